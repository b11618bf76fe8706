# Tables the way kubectl and routers print them.

AGE='def age: (.createdAt[0:19] + "Z" | fromdateiso8601) as $made | (now - $made | floor) as $s
       | if $s < 0 then "0s" elif $s < 60 then "\($s)s" elif $s < 3600 then "\($s / 60 | floor)m\($s % 60)s" else "\($s / 3600 | floor)h" end;'

show_services() {
    get "/v1/namespaces/$1/services"
    note "services of namespace $1"
    jq -r "$AGE"'
        ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
        (.items[] | [.name, .type, (.status.clusterIPs // [] | join(",")),
            (.status.externalIPs // [] | if length == 0 then "<pending>" else join(",") end),
            ([.ports[] | "\(.port)" + (if .nodePort then ":\(.nodePort)" else "" end) + "/\(.protocol)"] | join(",")), age])
        | @tsv' <<<"$BODY" | table
}

show_floating_ips() {
    get "/v1/namespaces/$1/floating-ips"
    note "floating IPs of namespace $1"
    jq -r "$AGE"'
        ["NAME", "IPADDRESS", "INTERFACES", "PORTMAPPING", "STATE", "AGE"],
        (.items[] | [.name, .address, (.interfaces | length), .portMapping, .status.state, age]) | @tsv' <<<"$BODY" | table
}

show_conditions() {
    get "$1"
    jq -r '["CONDITION", "STATUS", "REASON", "MESSAGE"], (.status.conditions[]? | [.type, .status, .reason, .message]) | @tsv' <<<"$BODY" | table
}

# Of the list that was asked for last.
show_virtual_routers() {
    note "vRouters"
    jq -r '["NAME", "ADDRESS", "CONDITION", "STATUS", "REASON", "MESSAGE"],
        (.items[] | . as $router | .status.conditions[] | [$router.name, $router.address, .type, .status, .reason, (.message | if length > 110 then .[:109] + "…" else . end)])
        | @tsv' <<<"$BODY" | table
}

show_bgp_sessions() {
    get /v1/bgp-routers
    note "BGP routers"
    jq -r '["NAME", "ADDRESS", "AS", "STATE", "ADD-PATH", "ADVERTISED", "HOLDTIME"],
        (.items[] | . as $router | .status.sessions[] | [$router.name, $router.address, $router.autonomousSystem, .state, .addPath, .advertised, $router.holdTime])
        | @tsv' <<<"$BODY" | table
}

show_vmx1_route() {
    note "vmx1# show bgp $([[ $1 == *:* ]] && echo ipv6 || echo ipv4) unicast $1"
    vmx1 "show bgp $([[ $1 == *:* ]] && echo ipv6 || echo ipv4) unicast $1" | indent
}

show_vmx1_table() {
    note "vmx1# show ip route bgp"
    vmx1 "show ip route bgp" | sed '1,/^$/d' | indent
}

show_bird1_route() {
    note "bird> show route for $1 all"
    bird1 "show route for $1 all" | sed 1,2d | indent
}
