TITLE="Service my-service, 8080 to 80, gets its FloatingIPs"

step() {
    ask 201 POST /v1/namespaces/ns1/service-health-checks '{
        "name": "http-hc", "monitorType": "HTTP", "delay": 1, "timeout": 1, "maxRetries": 2,
        "httpMethod": "GET", "urlPath": "/health", "expectedCodes": "200-299", "port": 80}'
    local entry pod where last
    for entry in $PODS; do
        IFS=: read -r pod where last <<<"$entry"
        ask 201 POST /v1/namespaces/ns1/virtual-machine-interfaces "{
            \"name\": \"$pod-eth0\", \"labels\": {\"app\": \"web\"},
            \"addresses\": [\"10.233.64.$last\", \"$POD_V6:$last\"],
            \"virtualRouter\": \"$where\", \"healthCheck\": \"http-hc\"}"
    done
    # One endpoint before the Service, as a Service finds its pods by label whenever they come.
    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "my-service", "type": "LoadBalancer", "selector": {"app": "web"},
        "ports": [{"protocol": "TCP", "port": 8080, "targetPort": 80}]}'
    VIP=$(field '.status.externalIPs[0]')
    is_equal "the answer to POST carries the lowest free address" 100.0.0.2 "$VIP"
    await_ready /v1/namespaces/ns1/services/my-service
    await 10 /v1/namespaces/ns1/services/my-service '.status.endpoints == {"total": 3, "ready": 3} and .status.state == "Success"' "three endpoints are ready"
    show_services ns1
    show_floating_ips ns1
    show_conditions /v1/namespaces/ns1/services/my-service

    get /v1/namespaces/ns1/floating-ips
    local suffix address
    for suffix in 28b76502 d7fd4d39; do
        is_equal "one FloatingIP ends in $suffix" 1 "$(field "[.items[] | select(.name | endswith(\"-my-service-$suffix\"))] | length")"
        is_equal "$suffix maps" "TCP/8080->80" "$(field ".items[] | select(.name | endswith(\"$suffix\")) | .portMapping")"
        is_equal "$suffix has interfaces" 3 "$(field ".items[] | select(.name | endswith(\"$suffix\")) | .interfaces | length")"
        is_equal "$suffix is in state" Success "$(field ".items[] | select(.name | endswith(\"$suffix\")) | .status.state")"
    done
    is_equal "d7fd4d39 holds the external address" "$VIP" "$(field '.items[] | select(.name | endswith("d7fd4d39")) | .address')"
    address=$(field '.items[] | select(.name | endswith("28b76502")) | .address')
    contains "28b76502 holds the cluster IP" '^10\.233\.' "$address"
}
