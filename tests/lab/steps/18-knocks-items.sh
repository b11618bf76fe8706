TITLE="Hard knocks: hostile requests and an item that a node cannot take; everybody else goes on"

step() {
    local labels=$LAB_DIR/labels.json
    traffic_begins items client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests items 3

    REFUSALS=()
    refused 400 "a selector with 2,600 requirements" "at most 32" "$API_URL/v1/namespaces?labelSelector=$(printf '!a,%.0s' {1..2599})!a"
    bad_labels 80000 >"$labels"
    refused 400 "a namespace with 80,000 bad labels" "at most 64 members" --json "@$labels" "$API_URL/v1/namespaces"
    bad_labels 100000 >"$labels"
    refused 413 "... with 100,000" "1 MiB" --json "@$labels" "$API_URL/v1/namespaces"
    refused 400 "\"all\" by an empty filter" "address" "$API_URL/v1/floating-ips?address="
    refused 400 "an endpoint at 127.0.0.1" "loopback" --json '{"name": "loopback", "addresses": ["127.0.0.1"], "virtualRouter": "compute1"}' \
        "$API_URL/v1/namespaces/ns1/virtual-machine-interfaces"
    refused 400 "a community that is none" "NO_SUCH_WORD" --json '{"name": "words", "subnets": [{"cidr": "100.99.0.0/24"}],
        "advertisement": {"communities": ["NO_SUCH_WORD"]}}' "$API_URL/v1/namespaces/ns1/external-networks"
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-fabric", "subnets": [{"cidr": "172.27.115.0/24"}], "autoAssign": false, "fabricForwarding": true}'
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-pods", "subnets": [{"cidr": "10.233.64.0/24"}], "autoAssign": false, "fabricForwarding": true}'
    refused 409 "the control node's own address" "ControlNode control" --json '{"name": "self", "externalNetwork": "ns1/vn-fabric", "address": "172.27.115.241"}' \
        "$API_URL/v1/namespaces/ns1/floating-ips"
    refused 409 "an endpoint there" "ControlNode control" --json '{"name": "self", "addresses": ["172.27.115.241"], "virtualRouter": "compute1"}' \
        "$API_URL/v1/namespaces/ns1/virtual-machine-interfaces"
    refused 409 "an endpoint that is a cluster IP" "service network" --json '{"name": "self", "addresses": ["10.233.0.9"], "virtualRouter": "compute1"}' \
        "$API_URL/v1/namespaces/ns1/virtual-machine-interfaces"
    refused 409 "a FloatingIP that is a pod's address" "VirtualMachineInterface ns1/" --json '{"name": "pod", "externalNetwork": "ns1/vn-pods", "address": "10.233.64.11"}' \
        "$API_URL/v1/namespaces/ns1/floating-ips"
    ask "202|204" DELETE /v1/namespaces/ns1/external-networks/vn-fabric
    ask "202|204" DELETE /v1/namespaces/ns1/external-networks/vn-pods
    show_refusals

    note "compute1 has 100.98.0.1 on its loopback device; an operator makes a network of it, and a Service takes it"
    on compute1 ip address add 100.98.0.1/32 dev lo
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-wrong", "subnets": [{"cidr": "100.98.0.1/32"}], "autoAssign": false, "fabricForwarding": true}'
    ask 201 POST /v1/namespaces/ns1/virtual-machine-interfaces '{
        "name": "wrong-eth0", "labels": {"app": "wrong"}, "addresses": ["10.233.64.19"], "virtualRouter": "compute1"}'
    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "wrong", "externalNetwork": "ns1/vn-wrong", "selector": {"app": "wrong"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    await 15 /v1/namespaces/ns1/services/wrong 'any(.status.conditions[]; .type == "Programmed" and .reason == "EntryRefused")' "the Service says what compute1 cannot take"
    show_conditions /v1/namespaces/ns1/services/wrong
    within 5 "vmx1 has no route to it" kernel_route_is vmx1 100.98.0.1/32 ""

    ask 201 POST /v1/namespaces/ns1/services '{"name": "neighbour", "selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    await_ready /v1/namespaces/ns1/services/neighbour
    good "the next Service, $(field '.status.externalIPs[0]'), is Ready at once"
    on compute1 ip address del 100.98.0.1/32 dev lo
    await 20 /v1/namespaces/ns1/services/wrong 'any(.status.conditions[]; .type == "Programmed" and .status == "True")' "without that address on compute1, its Service is programmed by itself"
    local service
    for service in wrong neighbour; do ask "202|204" DELETE "/v1/namespaces/ns1/services/$service"; done
    for service in wrong neighbour; do within 20 "$service is gone" is_gone "/v1/namespaces/ns1/services/$service"; done
    ask "202|204" DELETE /v1/namespaces/ns1/virtual-machine-interfaces/wrong-eth0
    ask "202|204" DELETE /v1/namespaces/ns1/external-networks/vn-wrong
    traffic_ends items
    nothing_was_lost items
}

bad_labels() { jq -cn --argjson n "$1" '{name: "hostile", labels: ([range($n) | {key: "!\(.)", value: ""}] | from_entries)}'; }
