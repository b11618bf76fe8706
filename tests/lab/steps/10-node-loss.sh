TITLE="A compute node dies: all requests succeed again within LostAfterSeconds + 3 s, its route is withdrawn, and it returns"

LOST_AFTER_SECONDS=10

step() {
    local limit=$(((LOST_AFTER_SECONDS + 3) * 1000)) died lost last now
    traffic_begins death client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests death 10

    died=$(now_ms)
    unplug compute1
    stop "$LAB_DIR" compute1-agent KILL 2
    note "compute1's cable is out and its agent is dead"
    FORWARD_WITHIN=$((LOST_AFTER_SECONDS + 3)) forwards_to vmx1 "$VIP/32" 172.27.115.243
    good "vmx1 forwards to compute2 alone after $(seconds $(($(now_ms) - died)))"
    # Watch the client until well after the limit.
    now=$(now_ms)
    within $((LOST_AFTER_SECONDS + 10)) "the client after the limit" clock_is_past $((died + limit + 3000))
    lost=$(traffic_lost_since death $((died + limit)))
    [ -z "$lost" ] || fail "requests were still lost after $(seconds "$limit")" "$(head -n 5 <<<"$lost")"
    last=$(traffic_last_loss death)
    [ "$last" -gt 0 ] || warn "no request went to compute1 while it was dead"
    good "the last lost request ended $(seconds $((last > died ? last - died : 0))) after the death; allowed: $(seconds "$limit")"
    await 5 /v1/virtual-routers/compute1 '.status.connected == false' "compute1 is shown as gone"
    is_equal "its endpoints stay listed" 3 "$(call GET /v1/namespaces/ns1/services/my-service && field .status.endpoints.total)"
    traffic_ends death

    traffic_begins return client "http://$VIP:8080/"
    plug compute1
    start_agent compute1 242
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    forwards_to bird1 "$VIP/32" "172.27.115.242 172.27.115.243"
    now=$(now_ms)
    within 15 "compute1's pods answer again" both_pods_of_compute1 "$now"
    traffic_ends return
    nothing_was_lost return 10
    good "compute1 is back, and its return lost nothing"
    await_ready /v1/namespaces/ns1/services/my-service
}

both_pods_of_compute1() { [[ "$(traffic_pods_since return "$1")" == *nginx-1*nginx-2* ]]; }
