TITLE="Hard knocks: a session that changes keeps ADD-PATH; what goes while gobgpd is down leaves the routers"

step() {
    local service=/v1/namespaces/ns1/services/knock address
    ask 200 PATCH /v1/bgp-routers/vmx1 '{"holdTime": 30}'
    await 40 /v1/bgp-routers/vmx1 'any(.status.sessions[]; .state == "Established")' "vmx1 is Established after the change"
    vmx1 "clear bgp *" >/dev/null
    within 60 "vmx1 has its session again" vmx1_session_is_up
    await 30 /v1/bgp-routers/vmx1 'any(.status.sessions[]; .state == "Established" and .addPath)' "the next session has ADD-PATH too"
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    good "holdTime is another, everything else is as before"

    ask 201 POST /v1/namespaces/ns1/services '{"name": "knock", "selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    address=$(field '.status.externalIPs[0]')
    await_ready "$service"
    forwards_to vmx1 "$address/32" "172.27.115.242 172.27.115.243"
    stop "$LAB_DIR" gobgpd KILL 2
    ask 202 DELETE "$service"
    note "gobgpd is dead, and the Service is deleted"
    start_lab_gobgpd
    within 60 "the Service is gone" is_gone "$service"
    is_equal "at that moment vmx1 has no path to its address" "" "$(kernel_next_hops vmx1 "$address/32")"
    is_equal "nor has bird1" "" "$(kernel_next_hops bird1 "$address/32")"
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    forwards_to bird1 "$VIP/32" "172.27.115.242 172.27.115.243"
    await_ready /v1/namespaces/ns1/services/my-service
}
