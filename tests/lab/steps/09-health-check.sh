TITLE="A pod fails its health check: it gets no new requests, none is lost, and it comes back"

step() {
    local service=/v1/namespaces/ns1/services/my-service out back
    traffic_begins sick client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests sick 10

    fall_sick nginx-2
    out=$(now_ms)
    await 15 "$service" '.status.endpoints.ready == 2' "nginx-2 is out"
    good "nginx-2 out of rotation after $(seconds $(($(now_ms) - out)))"
    await 5 /v1/namespaces/ns1/virtual-machine-interfaces/nginx-2-eth0 '.status.health == "Unhealthy"' "its interface says Unhealthy"
    # Entries follow within a moment of the report; from then on the two others carry everything.
    within 10 "nginx-2 gets no requests" no_request_reaches nginx-2
    is_equal "both nodes still have a ready pod, so the route stays" "172.27.115.242 172.27.115.243" "$(kernel_next_hops vmx1 "$VIP/32")"

    get_well nginx-2
    back=$(now_ms)
    await 15 "$service" '.status.endpoints.ready == 3' "nginx-2 is back"
    within 15 "nginx-2 gets requests again" request_reaches nginx-2 "$back"
    good "and back $(seconds $(($(now_ms) - back))) after its check succeeded again"
    traffic_ends sick
    nothing_was_lost sick 30
}

# Of the latest 25 requests (about two seconds) none went to the pod.
no_request_reaches() { ! tail -n 25 "$LAB_DIR/traffic/sick" | awk '{ print $5 }' | grep -qx "$1"; }

request_reaches() { traffic_pods_since sick "$2" | grep -qw "$1"; }
