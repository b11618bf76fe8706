# The two external routers: FRR (vmx1) and BIRD (bird1), each with its configuration and sockets in the run directory.

start_routers() {
    start_vmx1
    start_bird1
}

start_vmx1() {
    local dir=$LAB_DIR/vmx1 frr=/usr/lib/frr
    mkdir -p "$dir/tmp"
    render tests/lab/etc/vmx1.conf >"$dir/bgpd.conf"
    printf 'hostname vmx1\n' >"$dir/zebra.conf"
    : >"$LAB_DIR/log/vmx1-bgpd-messages.log"
    chown -R frr:frr "$dir" "$LAB_DIR/log/vmx1-bgpd-messages.log"
    start "$LAB_DIR" vmx1-zebra ip netns exec "$LAB-vmx1" "$frr/zebra" \
        -f "$dir/zebra.conf" -i "$dir/zebra.pid" -z "$dir/zserv.sock" --vty_socket "$dir" -P 0
    eventually 10 "zebra" test -S "$dir/zebra.vty" || die "zebra did not start." "$(tail -n 5 "$LAB_DIR/log/vmx1-zebra.log")"
    start "$LAB_DIR" vmx1-bgpd ip netns exec "$LAB-vmx1" "$frr/bgpd" \
        -f "$dir/bgpd.conf" -i "$dir/bgpd.pid" -z "$dir/zserv.sock" --vty_socket "$dir" -P 0
    eventually 10 "bgpd" vmx1 "show bgp summary" || die "bgpd did not start." "$(tail -n 5 "$LAB_DIR/log/vmx1-bgpd.log")"
}

start_bird1() {
    mkdir -p "$LAB_DIR/bird1"
    render tests/lab/etc/bird1.conf >"$LAB_DIR/bird1/bird.conf"
    start "$LAB_DIR" bird1 ip netns exec "$LAB-bird1" "$(path_of bird)" -f -c "$LAB_DIR/bird1/bird.conf" \
        -s "$LAB_DIR/bird1/bird.ctl" -P "$LAB_DIR/bird1/bird.pid"
    eventually 10 "bird" bird1 show status || die "bird did not start." "$(tail -n 5 "$LAB_DIR/log/bird1.log")"
}

render() { sed -e "s|@DIR@|$LAB_DIR|g" -e "s|@POD@|${POD:-}|g" "$1"; }

vmx1() { on vmx1 vtysh --vty_socket "$LAB_DIR/vmx1" -c "$1"; }
bird1() { on bird1 "$(path_of birdc)" -s "$LAB_DIR/bird1/bird.ctl" -r "$@"; }

vmx1_session_is_up() {
    vmx1 "show bgp ipv4 unicast summary json" | jq -e --arg peer "$CONTROL" '.peers[$peer].state == "Established"'
}

# Next hops of a prefix in a router's kernel, sorted, one line: "172.27.115.242 172.27.115.243".
kernel_next_hops() {
    local node=$1 prefix=$2 family=-4
    [[ $prefix != *:* ]] || family=-6
    ip -n "$LAB-$node" "$family" -j route show "$prefix" 2>/dev/null |
        jq -r '[.[] | (.gateway // empty), (.nexthops[]?.gateway)] | unique | join(" ")'
}

# kernel_route_is NODE PREFIX "NEXTHOPS": the kernel of a router forwards to exactly these ("" for no route).
kernel_route_is() { [ "$(kernel_next_hops "$1" "$2")" = "$3" ]; }

# From now on every change of a route in either router's kernel is written down ...
kernel_watch_begins() {
    local router
    for router in vmx1 bird1; do
        rm -f "$LAB_DIR/log/$router-kernel-routes.log"
        start "$LAB_DIR" "$router-kernel-routes" ip -n "$LAB-$router" monitor route
    done
}

# ... and none of them may have been about the address of my-service.
kernel_saw_nothing() {
    local router seen
    for router in vmx1 bird1; do
        stop "$LAB_DIR" "$router-kernel-routes"
        seen=$(grep -F "$VIP" "$LAB_DIR/log/$router-kernel-routes.log" || true)
        [ -z "$seen" ] || fail "$router's kernel route to $VIP was touched" "$(head -n 6 <<<"$seen")"
    done
    good "the kernels of vmx1 and bird1 saw no change of the route"
}
