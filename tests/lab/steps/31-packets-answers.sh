TITLE="Packets: callers inside get the page from every node; a FloatingIP answers ping, and refuses a port that nobody mapped"

step() {
    packets_service
    local where
    for where in nginx-3 compute2 nginx-1 compute1 nginx-2; do
        page "http://$PACKETS_VIP:8080/" "$where"
        contains "$where gets the page of the only pod, nginx-2 on compute1" "^Welcome to nginx! This is nginx-2" "$PAGE"
        note "$where# curl $PACKETS_VIP:8080"
        indent <<<"$PAGE"
    done
    page "http://$PACKETS_VIP:8080/"
    contains "a client behind the router is seen with its own address" "you are $CLIENT$" "$PAGE"
    good "pods, nodes and the endpoint itself get the page, also from compute2, which has no endpoint of it"

    note "client# ping -c 3 $PACKETS_VIP"
    on client ping -n -c 3 -i 0.2 -W 2 "$PACKETS_VIP" | indent
    local code=0
    on client curl -s --connect-timeout 2 "http://$PACKETS_VIP:9999/" || code=$?
    is_equal "a port that nobody mapped is refused at once (curl's code)" 7 "$code"
    ask 200 PATCH /v1/namespaces/packets/external-networks/vn '{"answerPing": false}'
    within 10 "with answerPing: false, ping gets no answer" is_silent
    page "http://$PACKETS_VIP:8080/"
    contains "and the page is there as before" "you are $CLIENT$" "$PAGE"
    ask 200 PATCH /v1/namespaces/packets/external-networks/vn '{"answerPing": true}'
    within 10 "with answerPing: true it answers again" on client ping -n -q -c 1 -W 1 "$PACKETS_VIP"
    good "answerPing decides whether a FloatingIP of the network answers echo requests"
}

# A Service with one endpoint, nginx-2 on compute1. $PACKETS_VIP is its address.
packets_service() {
    ask "200|201" PUT /v1/namespaces/packets '{}'
    ask 201 POST /v1/namespaces/packets/external-networks '{"name": "vn", "subnets": [{"cidr": "100.9.0.0/24"}], "fabricForwarding": true}'
    ask 201 POST /v1/namespaces/packets/virtual-machine-interfaces '{"name": "nginx-2-eth0", "labels": {"app": "web"}, "addresses": ["10.233.64.12"], "virtualRouter": "compute1"}'
    ask 201 POST /v1/namespaces/packets/services '{"name": "web", "externalNetwork": "vn", "selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    PACKETS_VIP=$(field '.status.externalIPs[0]')
    await_ready /v1/namespaces/packets/services/web
}

is_silent() { ! on client ping -n -q -c 1 -W 1 "$PACKETS_VIP" >/dev/null; }
