TITLE="Hard knocks: PostgreSQL hangs; the API says so at once, and traffic goes on"

step() {
    local service=/v1/namespaces/ns1/services/knock began
    traffic_begins database client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests database 10
    freeze_postgres STOP
    note "every process of PostgreSQL stands still"
    began=$(now_ms)
    ask 503 POST /v1/namespaces/ns1/services '{"name": "knock", "type": "ClusterIP", "ports": [{"port": 8080}]}'
    good "a POST is told 'unavailable' after $(seconds $(($(now_ms) - began)))"
    traffic_goes_on database 60 15
    freeze_postgres CONT
    within 20 "the API is ready again" is_ready
    await_ready /v1/namespaces/ns1/services/my-service
    ask "404|202|204" DELETE "$service"
    within 20 "nothing is left of it" is_gone "$service"
    traffic_ends database
    nothing_was_lost database 60
}

is_ready() {
    call GET /readyz
    [ "$CODE" = 200 ]
}

# freeze_postgres STOP|CONT: the postmaster and each of its children.
freeze_postgres() {
    local postmaster
    postmaster=$(<"$LAB_DIR/pids/postgres")
    # shellcheck disable=SC2046
    kill "-$1" "${postmaster%% *}" $(ps -o pid= --ppid "${postmaster%% *}") 2>/dev/null || true
}
