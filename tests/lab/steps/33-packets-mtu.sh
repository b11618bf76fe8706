TITLE="Packets: a hop of 1,400 bytes; the router brings every ICMP error to the same node, and 40 of 40 downloads of 1 MB end"

step() {
    mtu_hop_up
    ask "200|201" PUT /v1/namespaces/packets '{}'
    ask 201 POST /v1/namespaces/packets/external-networks '{"name": "mtu", "subnets": [{"cidr": "100.10.0.0/24"}, {"cidr": "2001:db8:10::/64"}], "fabricForwarding": true}'
    local entry pod where last tenant
    for entry in nginx-1:compute1:11:red nginx-3:compute2:13:blue; do
        IFS=: read -r pod where last tenant <<<"$entry"
        # The tenants of the chapter before have had these pods.
        ask "202|204|404" DELETE "/v1/namespaces/$tenant/virtual-machine-interfaces/$pod-eth0"
        ask 201 POST /v1/namespaces/packets/virtual-machine-interfaces \
            "{\"name\": \"$pod-mtu\", \"labels\": {\"app\": \"large\"}, \"addresses\": [\"10.233.64.$last\", \"$POD_V6:$last\"], \"virtualRouter\": \"$where\"}"
    done
    ask 201 POST /v1/namespaces/packets/services '{"name": "large", "externalNetwork": "mtu", "selector": {"app": "large"}, "ports": [{"port": 8080, "targetPort": 80}],
        "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}'
    # The manifest of step 26 leaves vmx1 without IPv6.
    get /v1/bgp-routers/vmx1
    ask 200 PATCH /v1/bgp-routers/vmx1 "{\"addressFamilies\": $(field '.addressFamilies + ["inet6"] | unique' | jq -c .)}"
    get /v1/namespaces/packets/services/large
    local vip vip6 node
    read -r vip vip6 <<<"$(field '.status.externalIPs | join(" ")')"
    await_ready /v1/namespaces/packets/services/large
    forwards_to vmx1 "$vip/32" "172.27.115.242 172.27.115.243"
    forwards_to vmx1 "$vip6/128" "fd00:172:27:115::242 fd00:172:27:115::243"

    # Linux spreads an ICMP error by the packet in it, so that it follows its flow. Other routers spread it by its own addresses.
    on vmx1 ip rule add ipproto icmp lookup 100
    on vmx1 ip -6 rule add ipproto ipv6-icmp lookup 100
    route vmx1 "$vip/32" via 172.27.115.242 table 100
    route vmx1 "$vip6/128" via fd00:172:27:115::242 table 100
    note "vmx1# ip rule add ipproto icmp lookup 100    (every ICMP error goes to compute1)"

    is_equal "of 40 downloads over IPv4 end" 40 "$(downloads "http://$vip:8080/large")"
    is_equal "of 40 downloads over IPv6 end" 40 "$(downloads "http://[$vip6]:8080/large")"
    for node in compute1 compute2; do
        note "$node: $(packets_counted "$node" icmp_no_flow) errors came without their flow; $(packets_counted "$node" icmp_unmatched) came from another node and have no flow here either"
    done
    [ "$(packets_counted compute1 icmp_no_flow)" -gt 0 ] || fail "no error came to another node than its flow, so this shows nothing"
    good "40 of 40 downloads of 1 MB over IPv4 and over IPv6, through a hop of 1,400 bytes"

    on vmx1 ip rule del ipproto icmp lookup 100
    on vmx1 ip -6 rule del ipproto ipv6-icmp lookup 100
}

# A client behind vmx1 and a link of 1,400 bytes, which only the link's ends know of: far 10.95.0.2 — hop — 1,400 — vmx1.
mtu_hop_up() {
    local node
    for node in hop far; do node_up "$node"; done
    forwards hop
    wire vmx1 hop hop eth0
    wire hop far far eth0
    address vmx1 hop 10.96.0.1/24
    address vmx1 hop fd00:10:96::1/64
    address hop eth0 10.96.0.2/24
    address hop eth0 fd00:10:96::2/64
    address hop far 10.95.0.1/24
    address hop far fd00:10:95::1/64
    address far eth0 10.95.0.2/24
    address far eth0 fd00:10:95::2/64
    ip -n "$LAB-vmx1" link set hop mtu 1400
    ip -n "$LAB-hop" link set eth0 mtu 1400
    route hop default via 10.96.0.1
    route hop default via fd00:10:96::1
    route far default via 10.95.0.1
    route far default via fd00:10:95::1
    route vmx1 10.95.0.0/24 via 10.96.0.2
    route vmx1 fd00:10:95::/64 via fd00:10:96::2
}

# packets_counted NODE COUNTER: of the agent's tables, both families.
packets_counted() {
    { on "$1" nft list counter ip cn2 "$2"; on "$1" nft list counter ip6 cn2 "$2"; } | awk '/packets/ { sum += $2 } END { print sum + 0 }'
}

# downloads URL: how many of 40 downloads at once, each from a port of its own, bring all of the 1,000,000 bytes.
downloads() {
    on far bash -c 'for ((i = 0; i < 40; i++)); do curl -s -g --connect-timeout 5 --max-time 30 -o /dev/null -w "%{size_download}\n" "$1" & done; wait' downloads "$1" | grep -c '^1000000$'
}
