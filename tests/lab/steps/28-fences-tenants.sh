TITLE="Fences: two tenants, each with a grant and a token of its own; what is the other's is refused, and not even named"

step() {
    tenant red 100.1.0.0/24 nginx-1 compute1 10.233.64.11
    tenant blue 100.2.0.0/24 nginx-3 compute2 10.233.64.13
    local tenant
    for tenant in red blue; do
        get "/v1/namespaces/$tenant/grant"
        jq -r --arg tenant "$tenant" '["TENANT", "PREFIXES", "ENDPOINTS", "SERVICES", "OF"], [$tenant, (.prefixes | join(",")), (.endpointPrefixes | join(",")), .status.used.services, .quota.services] | @tsv' <<<"$BODY" | table
        page "http://$(vip_of "$tenant"):8080/"
        contains "the page of $tenant" "you are $CLIENT$" "$PAGE"
    done
    good "both tenants have a page behind vmx1"

    watch_begins blue
    try_what_is_not_blues
    show_refusals

    become blue
    get /v1/namespaces
    is_equal "namespaces that blue sees" '["blue"]' "$(field '[.items[].name] | tojson')"
    get /v1/services
    is_equal "Services that blue sees" '["blue"]' "$(field '[.items[].namespace] | unique | tojson')"
    become red
    ask 200 PATCH /v1/namespaces/red/services/web '{"labels": {"changed": "by-red"}}'
    become blue
    ask 200 PATCH /v1/namespaces/blue/services/web '{"labels": {"changed": "by-blue"}}'
    within 10 "blue's watch shows its own change" grep -q by-blue "$LAB_DIR/watch-blue"
    is_equal "lines of blue's watch about red, which changed before" 0 "$(grep -c '"red"' "$LAB_DIR/watch-blue" || true)"
    become lab
    ask "200|204" DELETE /v1/tokens/blue-portal
    within 5 "blue's watch has ended, because its token is deleted" watch_has_ended blue
    become blue
    call GET /v1/namespaces
    is_equal "a deleted token" 401 "$CODE"
    good "blue's lists and watch had nothing of red; its deleted token is worth nothing"
    become lab
    give_token blue
}

# tenant NAME PREFIX POD NODE ADDRESS: an operator grants; the tenant does the rest with its own token.
tenant() {
    local tenant=$1
    ask "200|201" PUT "/v1/namespaces/$tenant" "{\"labels\": {\"tenant\": \"$tenant\"}}"
    ask "200|201" PUT "/v1/namespaces/$tenant/grant" "{\"prefixes\": [\"$2\"], \"endpointPrefixes\": [\"$5/32\"], \"communities\": [\"64512:*\"], \"quota\": {\"services\": 2, \"floatingIPs\": 4}}"
    give_token "$tenant"
    ask 201 POST /v1/role-bindings "{\"name\": \"$tenant-portal\", \"subjects\": [{\"kind\": \"Token\", \"name\": \"$tenant-portal\"}], \"role\": \"editor\", \"namespaces\": [\"$tenant\"]}"
    become "$tenant"
    ask 201 POST "/v1/namespaces/$tenant/external-networks" "{\"name\": \"vn\", \"subnets\": [{\"cidr\": \"$2\"}], \"fabricForwarding\": true,
        \"allowedNamespaces\": {\"matchLabels\": {\"tenant\": \"$tenant\"}}}"
    ask 201 POST "/v1/namespaces/$tenant/virtual-machine-interfaces" "{\"name\": \"$3-eth0\", \"labels\": {\"app\": \"web\"}, \"addresses\": [\"$5\"], \"virtualRouter\": \"$4\"}"
    ask 201 POST "/v1/namespaces/$tenant/services" '{"name": "web", "externalNetwork": "vn", "selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}'
    await_ready "/v1/namespaces/$tenant/services/web"
    become lab
}

give_token() {
    ask 201 POST /v1/tokens "{\"name\": \"$1-portal\"}"
    keep_token "$1" "$(field .token)"
}

vip_of() {
    get "/v1/namespaces/$1/services/web"
    field '.status.externalIPs[0]'
}

try_what_is_not_blues() {
    local red=$API_URL/v1/namespaces/red blue=$API_URL/v1/namespaces/blue
    REFUSALS=()
    become nobody
    refused 401 "nobody: a list of Services" "token" "$API_URL/v1/services"
    refused 401 "a token that nobody made" "token" -H "Authorization: Bearer cn2_$(printf 'A%.0s' {1..43})" "$API_URL/v1/services"
    become blue
    refused 403 "blue: read red's Service" "red" "$red/services/web"
    refused 403 "... one that red does not have" "red" "$red/services/nothing"
    refused 403 "... change it" "red" -X DELETE "$red/services/web"
    refused 403 "a network of red's addresses" "100.1.0.128/25" --json '{"name": "mine", "subnets": [{"cidr": "100.1.0.128/25"}]}' "$blue/external-networks"
    refused 403 "a Service in red's network" "do not select Namespace blue" --json '{"name": "mine", "externalNetwork": "red/vn", "ports": [{"port": 80}]}' "$blue/services"
    refused 403 "an endpoint beside its own" "10.233.64.12" --json '{"name": "mine", "addresses": ["10.233.64.12"], "virtualRouter": "compute1"}' "$blue/virtual-machine-interfaces"
    refused 403 "a wider grant for itself" "blue" -X PUT --json '{"prefixes": ["0.0.0.0/0"]}' "$blue/grant"
    refused 403 "admin for itself" "role" --json '{"name": "up", "subjects": [{"kind": "Token", "name": "blue-portal"}], "role": "admin", "namespaces": ["*"]}' "$API_URL/v1/role-bindings"
    refused 403 "the audit log" "audit" "$API_URL/v1/audit"
    refused 403 "the routers" "bgp" "$API_URL/v1/bgp-routers"
    ask 201 POST /v1/namespaces/blue/services '{"name": "second", "externalNetwork": "vn", "ports": [{"port": 80}]}'
    refused 403 "a third Service, quota 2" "2" --json '{"name": "third", "externalNetwork": "vn", "ports": [{"port": 80}]}' "$blue/services"
    become lab
    refused 409 "operator: grant blue a part of red's" "red" -X PUT --json '{"prefixes": ["100.1.0.0/25", "100.2.0.0/24"]}' "$blue/grant"
    refused 409 "admin: delete the last admin" "admin" -X DELETE "$API_URL/v1/role-bindings/lab"
}

# watch_begins TENANT: all that its token may see, into $LAB_DIR/watch-TENANT.
watch_begins() {
    : >"$LAB_DIR/watch-$1"
    start "$LAB_DIR" "watch-$1" ip netns exec "$LAB-control" curl -K "$LAB_DIR/$1.curl" -sSN --max-time 120 -o "$LAB_DIR/watch-$1" "$API_URL/v1/watch?kinds=services,floating-ips,external-networks,namespaces"
    within 5 "the watch of $1 has begun" test -s "$LAB_DIR/watch-$1"
}

watch_has_ended() { ! running "$LAB_DIR" "watch-$1"; }
