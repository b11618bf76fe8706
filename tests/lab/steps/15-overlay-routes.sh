TITLE="Overlay: vn-external3 and the router's RoutingInstance share target:64512:1"

step() {
    build_vmx2
    start_vmx2
    capture_begins
    vmx2_announces 10.97.0.0/24 mpls-in-udp
    vmx2_announces fd00:10:97::/64 mpls-in-udp
    ask 201 POST /v1/bgp-routers "{\"name\": \"vmx2\", \"address\": \"$VMX2\", \"autonomousSystem\": 64512,
        \"addressFamilies\": [\"inet-vpn\", \"inet6-vpn\", \"route-target\"]}"
    await 40 /v1/bgp-routers/vmx2 'any(.status.sessions[]; .state == "Established")' "vmx2 is Established"

    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-external3", "subnets": [{"cidr": "150.3.0.0/24"}, {"cidr": "2001:db8:103::/64"}],
        "fabricForwarding": false, "routeTargets": ["target:64512:1"]}'
    NETWORK3=$(field .status.routingInstance.number)
    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "my-service-3", "selector": {"app": "web"}, "externalNetwork": "vn-external3",
        "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack",
        "ports": [{"port": 8080, "targetPort": 80}]}'
    is_equal "one address of each family" "150.3.0.2 2001:db8:103::2" "$(field '.status.externalIPs | join(" ")')"
    await_ready /v1/namespaces/ns1/services/my-service-3

    within 10 "vmx2 has the FloatingIP by both nodes" vmx2_has vpnv4 150.3.0.2/32 2
    within 10 "and its IPv6 twin" vmx2_has vpnv6 2001:db8:103::2/128 2
    note "vmx2# gobgp vrf vrf1 rib"
    vmx2 vrf vrf1 rib | indent
    note "vmx2# what it learned: prefix, next hop, label, MED, local preference"
    { vmx2_learned vpnv4; vmx2_learned vpnv6; } | sort | table
    is_equal "next hops, label, MED, local preference" \
        "172.27.115.242 $((16 + NETWORK3)) 100 200|172.27.115.243 $((16 + NETWORK3)) 100 200" \
        "$(vmx2_learned vpnv4 | awk '$1 == "150.3.0.2/32" { print $2, $3, $4, $5 }' | sort | paste -sd '|')"
    contains "the VRF takes it by its target" '150\.3\.0\.2/32' "$(vmx2 vrf vrf1 rib)"
    is_equal "FRR has it under both route distinguishers" 2 "$(vmx1 "show bgp ipv4 vpn 150.3.0.2/32" | grep -c '^Paths: ')"
    is_equal "no router has it in its own table" "" "$(kernel_next_hops vmx1 150.3.0.2/32)$(kernel_next_hops bird1 150.3.0.2/32)"

    await 10 /v1/namespaces/ns1/external-networks/vn-external3/routes 'any(.items[]; .prefix == "10.97.0.0/24")' "the client's network is imported"
    note "GET /v1/namespaces/ns1/external-networks/vn-external3/routes"
    jq -r '["PREFIX", "SOURCE", "NEXT HOP", "LABEL", "RD", "ENCAPSULATION", "TARGETS"], (.items[] | [.prefix, .source, .nextHop, .label, .routeDistinguisher, (.encapsulations | join(",")), (.routeTargets | join(","))]) | @tsv' <<<"$BODY" | table
}
