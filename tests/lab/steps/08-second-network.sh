TITLE="A Service that names another network, ns1/vn-external2, gets 200.0.0.2"

step() {
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-external2", "subnets": [{"cidr": "200.0.0.0/24"}], "fabricForwarding": true}'
    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "my-service-2", "selector": {"app": "web"}, "externalNetwork": "ns1/vn-external2",
        "ports": [{"port": 8080, "targetPort": 80}]}'
    is_equal "the address" 200.0.0.2 "$(field '.status.externalIPs[0]')"
    await_ready /v1/namespaces/ns1/services/my-service-2
    show_services ns1
    forwards_to vmx1 200.0.0.2/32 "172.27.115.242 172.27.115.243"
    page http://200.0.0.2:8080/
    contains "the client gets the page" "you are $CLIENT$" "$PAGE"
    good "$PAGE"
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
}
