TITLE="A dual-stack Service: the same page over IPv6"

step() {
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-dual", "subnets": [{"cidr": "150.0.0.0/24"}, {"cidr": "2001:db8:100::/64"}], "fabricForwarding": true}'
    ask 201 POST /v1/namespaces/ns1/services '{
        "name": "my-service-6", "selector": {"app": "web"}, "externalNetwork": "vn-dual",
        "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack",
        "ports": [{"port": 8080, "targetPort": 80}]}'
    is_equal "one address of each family" "150.0.0.2 2001:db8:100::2" "$(field '.status.externalIPs | join(" ")')"
    await_ready /v1/namespaces/ns1/services/my-service-6
    show_services ns1
    forwards_to vmx1 2001:db8:100::2/128 "fd00:172:27:115::242 fd00:172:27:115::243"
    forwards_to bird1 2001:db8:100::2/128 "fd00:172:27:115::242 fd00:172:27:115::243"
    show_vmx1_route 2001:db8:100::2/128
    page "http://[2001:db8:100::2]:8080/"
    contains "the client gets the page over IPv6" "you are $CLIENT_V6$" "$PAGE"
    good "$PAGE"
    local pages
    pages=$(pages_of "http://[2001:db8:100::2]:8080/" client 40)
    is_equal "by all pods" "nginx-1 nginx-2 nginx-3" "$(grep -oE 'nginx-[0-9]' <<<"$pages" | sort -u | xargs)"
    page http://150.0.0.2:8080/
    contains "and over IPv4" "you are $CLIENT$" "$PAGE"
}
