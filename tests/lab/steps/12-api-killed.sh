TITLE="CN2.Api is killed and restarted: traffic continues, and no address changes"

step() {
    local before after
    get /v1/namespaces/ns1/services
    before=$(field '[.items[] | [.name, .status.clusterIPs, .status.externalIPs, [.ports[].nodePort]]] | tostring')
    traffic_begins api client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests api 10
    kernel_watch_begins
    stop "$LAB_DIR" api KILL 2
    note "CN2.Api is dead"
    traffic_goes_on api 30 15
    start_lab_api
    local node router
    for node in compute1 compute2; do
        await 20 "/v1/virtual-routers/$node" '.status.connected' "$node has dialled in again"
    done
    for router in vmx1 bird1; do
        await 40 "/v1/bgp-routers/$router" 'any(.status.sessions[]; .state == "Established")' "$router is shown as Established"
    done
    await_ready /v1/namespaces/ns1/services/my-service
    await_ready /v1/namespaces/ns1/services/my-service-2
    get /v1/namespaces/ns1/services
    after=$(field '[.items[] | [.name, .status.clusterIPs, .status.externalIPs, [.ports[].nodePort]]] | tostring')
    is_equal "every address and node port is the one from before" "$before" "$after"
    # Past LostAfterSeconds the server stops trusting what it has not heard again; nothing may go then either.
    traffic_goes_on api 120 25
    kernel_saw_nothing
    traffic_ends api
    nothing_was_lost api 100
}
