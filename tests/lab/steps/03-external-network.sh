TITLE="External network ns1/vn-external1, and the default-external selector for namespaces with ns=ns1"

step() {
    ask "200|201" PUT /v1/namespaces/ns1 '{"name": "ns1", "labels": {"ns": "ns1"}}'
    ask 201 POST /v1/namespaces/ns1/external-networks '{
        "name": "vn-external1",
        "labels": {"service.contrail.juniper.net/externalNetwork": "default-external"},
        "subnets": [{"cidr": "100.0.0.0/24"}],
        "fabricForwarding": true}'
    ask 200 PUT /v1/external-network-selectors/default-external '{
        "name": "default-external",
        "networkSelector": {"matchLabels": {"service.contrail.juniper.net/externalNetwork": "default-external"}},
        "namespaceSelector": {"matchLabels": {"ns": "ns1"}}}'
    get /v1/namespaces/ns1/external-networks/vn-external1
    is_equal "the gateway is the first host" 100.0.0.1 "$(field '.subnets[0].gateway')"
    is_equal "a /24 without gateway, network and broadcast address" 253 "$(field '.status.subnets[0].capacity')"
    jq -r '["NAME", "CIDR", "CAPACITY", "ALLOCATED", "FABRICFORWARDING", "STATE"],
        (. as $n | .status.subnets[] | [$n.name, .cidr, .capacity, .allocated, $n.fabricForwarding, $n.status.state]) | @tsv' <<<"$BODY" | table
}
