# The overlay's far end: vmx2, a router whose RoutingInstance `vrf1` (target:64512:1) is a VRF of gobgpd and, for the packets,
# tests/lab/overlay/vpn-peer.py, which has nothing in common with the agent. Behind it, in that VPN, is client3.

VMX2=172.27.115.247
VMX2_LABEL=100
CLIENT3=10.97.0.2
CLIENT3_V6=fd00:10:97::2

vmx2() { on vmx2 gobgp "$@"; }

build_vmx2() {
    node_up vmx2
    wire vmx2 eth0 fabric vmx2
    ip -n "$LAB-fabric" link set vmx2 master br0
    address vmx2 eth0 "$VMX2/24"
    forwards vmx2
    attach_client client3 vmx2 10.97.0 fd00:10:97:
}

start_vmx2() {
    start "$LAB_DIR" vmx2 ip netns exec "$LAB-vmx2" "$(path_of gobgpd)" --pprof-disable --api-hosts 127.0.0.1:50051 -f tests/lab/etc/vmx2.toml
    eventually 10 "vmx2's gobgpd" vmx2 global || die "vmx2's gobgpd did not start." "$(tail -n 5 "$LAB_DIR/log/vmx2.log")"
    vmx2 vrf add vrf1 rd 64512:1 rt both 64512:1
}

# vmx2_announces PREFIX [ENCAPSULATION]: the client's network in the VPN. Without an encapsulation community routers mean MPLS in GRE.
vmx2_announces() {
    local family=vpnv4 hop=$VMX2
    [[ $1 != *:* ]] || family=vpnv6 hop=::ffff:$VMX2
    # shellcheck disable=SC2086
    vmx2 global rib add -a "$family" "$1" label "$VMX2_LABEL" rd 64512:1 rt 64512:1 ${2:+encap $2} nexthop "$hop" local-pref 100
}

# What vmx2 has in a family that others told it: "prefix next hop, label, MED, local preference", a line each.
vmx2_learned() {
    vmx2 global rib -a "$1" -j | jq -r 'to_entries[].value[] | select(.["neighbor-ip"] // "" | . != "" and . != "<nil>")
        | [.nlri.prefix, (.attrs[] | select(.type == 14) | .nexthop), .nlri.labels[0],
           (.attrs[] | select(.type == 4) | .metric), (.attrs[] | select(.type == 5) | .value)] | @tsv'
}

vmx2_has() { [ "$(vmx2_learned "$1" | awk -v prefix="$2" '$1 == prefix' | wc -l)" -eq "$3" ]; }

# The line cards follow the table: every route that vmx2 has learned, half of its flows by each encapsulation the vRouters offer.
vmx2_routes_file() {
    local family encapsulation
    for family in vpnv4 vpnv6; do
        for encapsulation in ${1:-udp gre}; do
            vmx2_learned "$family" | awk -v encapsulation="$encapsulation" '{ sub(/^::ffff:/, "", $2); print $1, $2, $3, encapsulation }'
        done
    done
}

start_vpn_peer() {
    vmx2_routes_file >"$LAB_DIR/vmx2-routes"
    start "$LAB_DIR" vpn-peer ip netns exec "$LAB-vmx2" "$(path_of python3)" tests/lab/overlay/vpn-peer.py \
        --tun vrf1 --local "$VMX2" --label "$VMX2_LABEL" --routes "$LAB_DIR/vmx2-routes"
    eventually 10 "vpn-peer" grep -q '^ready' "$LAB_DIR/log/vpn-peer.log" || die "vpn-peer.py did not start." "$(tail -n 5 "$LAB_DIR/log/vpn-peer.log")"
    route_into_vpn
}

reload_vpn_peer() {
    vmx2_routes_file "$@" >"$LAB_DIR/vmx2-routes"
    kill -HUP "$(pid_of "$LAB_DIR" vpn-peer)"
    route_into_vpn
}

# The RoutingInstance's table on vmx2: what was learned leads into the tunnels.
route_into_vpn() {
    local prefix
    while read -r prefix _; do route vmx2 "$prefix" dev vrf1; done <"$LAB_DIR/vmx2-routes"
}

# What the peer has carried and dropped, as JSON.
vpn_peer_counters() {
    kill -USR1 "$(pid_of "$LAB_DIR" vpn-peer)"
    sleep 0.3
    tail -n 1 "$LAB_DIR/log/vpn-peer.log"
}

capture_begins() {
    start "$LAB_DIR" capture ip netns exec "$LAB-vmx2" "$(path_of dumpcap)" -q -i eth0 -f "tcp port 179" -w "$LAB_DIR/vmx2.pcapng"
    eventually 10 "the capture" test -s "$LAB_DIR/vmx2.pcapng" || die "dumpcap did not start." "$(tail -n 5 "$LAB_DIR/log/capture.log")"
}

# Every byte that vmx2 was told by BGP, as one hexadecimal string.
captured_bytes() {
    stop "$LAB_DIR" capture INT
    "$(path_of tshark)" -r "$LAB_DIR/vmx2.pcapng" -Y "ip.src == $CONTROL && tcp.len > 0" -T fields -e tcp.payload 2>/dev/null | tr -d ':\n'
}
