TITLE="A network in use changes to the overlay and back: it always has a route, and the address stays"

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

# Looks again and again which families the control node's gobgpd has the prefix in. The tables are read one after the
# other, and a move may happen between two readings: unicast is asked before and after vpnv4, so a move back to unicast,
# which the first reading comes too early for and the second too late, is seen by the third.
route_samples_begin() {
    : >"$LAB_DIR/route-samples"
    start "$LAB_DIR" route-samples ip netns exec "$LAB-control" bash -c '
        in_table() { local table; table=$(gobgp global rib -a "$1") || { echo "failed"; return; }; grep -cF "$2" <<<"$table"; }
        while true; do
            echo "$(in_table ipv4 "$1") $(in_table vpnv4 "$1") $(in_table ipv4 "$1")" >>"$2"
        done' samples "$1" "$LAB_DIR/route-samples"
    eventually 5 "samples" test -s "$LAB_DIR/route-samples"
}

route_samples_end() {
    stop "$LAB_DIR" route-samples
    local samples
    samples=$(sort "$LAB_DIR/route-samples" | uniq -c)
    is_equal "samples that gobgpd did not answer" "" "$(awk '/failed/' <<<"$samples")"
    is_equal "samples with the prefix in neither family" "" "$(awk '$2 + $3 + $4 == 0' <<<"$samples")"
    good "$(wc -l <"$LAB_DIR/route-samples") looks at gobgpd's tables: the prefix is always in one of them"
}
