TITLE="The routers learn the route: both compute nodes as next hops"

BOTH_NODES="172.27.115.242 172.27.115.243"

step() {
    forwards_to vmx1 "$VIP/32" "$BOTH_NODES"
    show_vmx1_route "$VIP/32"
    local paths
    paths=$(vmx1 "show bgp ipv4 unicast $VIP/32 json" | jq -c '.paths')
    is_equal "vmx1: paths" 2 "$(jq length <<<"$paths")"
    is_equal "vmx1: MED" 100 "$(jq -r '[.[] | .metric // .med] | unique | join(" ")' <<<"$paths")"
    is_equal "vmx1: local preference" 200 "$(jq -r '[.[] | .locPrf // .localPref // .localpref] | unique | join(" ")' <<<"$paths")"
    is_equal "vmx1: origin" incomplete "$(jq -r '[.[].origin] | unique | join(" ")' <<<"$paths")"
    is_equal "vmx1: AS path" Local "$(jq -r '[.[].aspath.string // ""] | unique | map(if . == "" then "Local" else . end) | join(" ")' <<<"$paths")"
    is_equal "vmx1: next hops" "$BOTH_NODES" "$(jq -r '[.[].nexthops[0].ip] | sort | join(" ")' <<<"$paths")"

    forwards_to bird1 "$VIP/32" "$BOTH_NODES"
    show_bird1_route "$VIP/32"
    local seen
    seen=$(bird1 "show route for $VIP/32 all")
    is_equal "bird1: paths with MED 100" 2 "$(grep -cE 'BGP\.med: 100$' <<<"$seen")"
    is_equal "bird1: AS path" 2 "$(grep -cE 'BGP\.as_path: 64512$' <<<"$seen")"
    is_equal "bird1: origin" 2 "$(grep -cE 'BGP\.origin: Incomplete$' <<<"$seen")"

    get "/v1/floating-ips?address=$VIP"
    is_equal "the FloatingIP says which routes it has" "$BOTH_NODES" "$(field '[.items[0].status.routes[].nextHop] | sort | join(" ")')"
    is_equal "and who heard them" "bird1 vmx1" "$(field '[.items[0].status.routes[].controlNodes[].advertisedTo[]] | unique | join(" ")')"
}
