TITLE="The Service is deleted: first its routes are withdrawn; made again, it has its address back"

step() {
    local service=/v1/namespaces/ns1/services/my-service
    ask "202|204" DELETE "$service"
    if [ "$CODE" = 202 ]; then is_equal "the answer says" Deleting "$(field .status.state)"; fi
    within 20 "the Service is gone" is_gone "$service"
    is_equal "when it is gone, vmx1 has no route left" "" "$(kernel_next_hops vmx1 "$VIP/32")"
    is_equal "nor has bird1" "" "$(kernel_next_hops bird1 "$VIP/32")"
    get "/v1/floating-ips?address=$VIP"
    is_equal "FloatingIPs that hold the address" 0 "$(field '.items | length')"
    good "route withdrawn at both routers, address free"

    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "my-service", "selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    is_equal "made again, it has it back" "$VIP" "$(field '.status.externalIPs[0]')"
    await_ready "$service"
    forwards_to vmx1 "$VIP/32" "172.27.115.242 172.27.115.243"
    page "http://$VIP:8080/"
    contains "and it works" "you are $CLIENT$" "$PAGE"

    show_services ns1
    show_vmx1_table
    note "client# for i in 1 2 3 4 5 6; do curl $VIP:8080; done"
    pages_of "http://$VIP:8080/" client 6 | indent
}
