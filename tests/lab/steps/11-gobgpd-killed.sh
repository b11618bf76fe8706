TITLE="gobgpd is killed and comes back empty: the routers never stop forwarding"

step() {
    traffic_begins gobgpd client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests gobgpd 10
    kernel_watch_begins
    stop "$LAB_DIR" gobgpd KILL 2
    within 5 "vmx1 has noticed" vmx1_session_is_down
    is_equal "vmx1 keeps the route as a graceful-restart helper" "172.27.115.242 172.27.115.243" "$(kernel_next_hops vmx1 "$VIP/32")"
    note "gobgpd is dead, and both routers still forward; only this lab restarts it"
    local began
    began=$(now_ms)
    start_lab_gobgpd
    within 60 "vmx1 has its session again" vmx1_session_is_up
    local router
    for router in vmx1 bird1; do
        await 60 "/v1/bgp-routers/$router" 'any(.status.sessions[]; .state == "Established")' "$router is Established again"
    done
    within 30 "vmx1 has both paths again, none stale" vmx1_has_fresh_paths 2
    good "sessions and routes back $(seconds $(($(now_ms) - began))) after the kill"
    # FRR removes stale paths at the end of RIB; give it the moment to do so before looking at what the kernel saw.
    traffic_goes_on gobgpd 20 15
    kernel_saw_nothing
    traffic_ends gobgpd
    nothing_was_lost gobgpd 20
    await_ready /v1/namespaces/ns1/services/my-service
}

vmx1_session_is_down() { ! vmx1_session_is_up; }

vmx1_has_fresh_paths() {
    vmx1 "show bgp ipv4 unicast $VIP/32 json" | jq -e --argjson n "$1" '(.paths | length) == $n and all(.paths[]; (.stale // false) == false)'
}
