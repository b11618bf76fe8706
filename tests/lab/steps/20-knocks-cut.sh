TITLE="Hard knocks: for 20 s no agent reaches the control node, a BGP session is lost, and PostgreSQL hangs; no client notices"

step() {
    local cut began node
    traffic_begins cut client2 "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests cut 10

    cut=$(now_ms)
    on control nft -f - <<<'table inet knock { chain input { type filter hook input priority -10; tcp dport 8081 drop; }; }'
    note "the control node drops tcp/8081: it hears no agent any more"

    ask 200 PATCH /v1/bgp-routers/vmx1 '{"holdTime": 30}'
    vmx1 "clear bgp *" >/dev/null
    note "an operator gives vmx1 another holdTime; then the session is lost: vmx1# clear bgp *"
    within 60 "vmx1 has its session again" vmx1_session_is_up
    await 30 /v1/bgp-routers/vmx1 'any(.status.sessions[]; .state == "Established" and .addPath)' "the next session has ADD-PATH too"
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    show_bgp_sessions
    good "the new session has ADD-PATH, and vmx1 both next hops"

    for node in compute1 compute2; do
        await 30 "/v1/virtual-routers/$node" 'any(.status.conditions[]; .reason == "MassLoss")' "$node is away, and so are others"
    done
    get /v1/virtual-routers
    show_virtual_routers
    good "$(seconds $(($(now_ms) - cut))) after the cut: all at once are no dead nodes, and their routes stay"

    freeze_postgres STOP
    note "every process of PostgreSQL stands still"
    began=$(now_ms)
    ask 503 POST /v1/namespaces/ns1/services '{"name": "knock", "type": "ClusterIP", "ports": [{"port": 8080}]}'
    good "a POST is answered 503 after $(seconds $(($(now_ms) - began))): $(field .detail)"
    within 20 "20 s of cut" clock_is_past $((cut + 20000))
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    forwards_to bird1 "$VIP/32" "172.27.115.242 172.27.115.243"

    freeze_postgres CONT
    on control nft delete table inet knock
    note "PostgreSQL goes on, and agents get through again"
    for node in compute1 compute2; do
        await 20 "/v1/virtual-routers/$node" '.status.connected' "$node is back"
    done
    ask "404|202|204" DELETE /v1/namespaces/ns1/services/knock
    within 20 "nothing is left of the POST" is_gone /v1/namespaces/ns1/services/knock
    await_ready /v1/namespaces/ns1/services/my-service
    traffic_ends cut
    nothing_was_lost cut 150
}

# freeze_postgres STOP|CONT: the postmaster and each of its children.
freeze_postgres() {
    local postmaster
    postmaster=$(pid_of "$LAB_DIR" postgres)
    # shellcheck disable=SC2046
    kill "-$1" "$postmaster" $(ps -o pid= --ppid "$postmaster") 2>/dev/null || true
}
