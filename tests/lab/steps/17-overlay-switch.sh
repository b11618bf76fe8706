TITLE="A live network changes from underlay to overlay and back: never in neither, the address stays"

step() {
    local network=/v1/namespaces/ns1/external-networks/vn-external2 service=/v1/namespaces/ns1/services/my-service-2
    route_samples_begin 200.0.0.2/32
    ask 200 PATCH "$network" '{"fabricForwarding": false, "routeTargets": ["target:64512:1"]}'
    within 15 "vmx2 has the FloatingIP" vmx2_has vpnv4 200.0.0.2/32 2
    forwards_to vmx1 200.0.0.2/32 ""
    await_ready "$service"
    get "$service"
    is_equal "the address is the same" 200.0.0.2 "$(field '.status.externalIPs[0]')"
    reload_vpn_peer
    page http://200.0.0.2:8080/ client3
    contains "the client in the VPN gets the page" "you are $CLIENT3$" "$PAGE"

    ask 200 PATCH "$network" '{"fabricForwarding": true, "routeTargets": []}'
    forwards_to vmx1 200.0.0.2/32 "172.27.115.242 172.27.115.243"
    within 15 "vmx2 has lost it" vmx2_has vpnv4 200.0.0.2/32 0
    await_ready "$service"
    page http://200.0.0.2:8080/
    contains "the client in the underlay gets the page" "you are $CLIENT$" "$PAGE"
    route_samples_end
}

# Looks again and again which families the control node's gobgpd has the prefix in.
route_samples_begin() {
    : >"$LAB_DIR/route-samples"
    start "$LAB_DIR" route-samples ip netns exec "$LAB-control" bash -c '
        while true; do
            inet=$(gobgp global rib "$1" 2>/dev/null | grep -cF "$1"); vpn=$(gobgp global rib -a vpnv4 2>/dev/null | grep -cF "$1")
            echo "$inet $vpn" >>"$2"
            sleep 0.02
        done' samples "$1" "$LAB_DIR/route-samples"
    eventually 5 "samples" test -s "$LAB_DIR/route-samples"
}

route_samples_end() {
    stop "$LAB_DIR" route-samples
    local samples
    samples=$(sort "$LAB_DIR/route-samples" | uniq -c)
    is_equal "samples with the prefix in neither family" "" "$(awk '$2 + $3 == 0' <<<"$samples")"
    good "$(wc -l <"$LAB_DIR/route-samples") looks at gobgpd's tables, the prefix always in one of them"
}
