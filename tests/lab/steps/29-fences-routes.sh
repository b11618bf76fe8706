TITLE="Fences: gobgpd lets out what is granted and nothing else, whoever put it into gobgpd or into the database"

INJECTED=198.51.100.66
FORGED=203.0.113.9

step() {
    note "control# gobgp global rib add $INJECTED/32 nexthop 172.27.115.242"
    on control gobgp global rib add "$INJECTED/32" nexthop 172.27.115.242

    note "somebody at the database gives blue's network 203.0.113.0/24, and a FloatingIP of it to blue's endpoint"
    forge_rows
    within 30 "the server believes the rows: gobgpd has a path to $FORGED" gobgpd_has "$FORGED/32"
    await 20 /v1/namespaces/blue/external-networks/vn 'any(.status.conditions[]; .type == "WithinGrant" and .status == "False")' "blue's network says that it is not within the grant"
    on control gobgp global rib 2>&1 | grep -E "Network|$INJECTED|$FORGED|100\.[12]\.0\." | indent

    # What is granted and came later has arrived, so the others would have as well.
    ask 201 POST /v1/namespaces/red/floating-ips '{"name": "later", "externalNetwork": "vn", "interfaces": ["nginx-1-eth0"]}'
    forwards_to vmx1 "$(field .address)/32" 172.27.115.242
    local router address
    for router in vmx1 bird1; do
        for address in $INJECTED $FORGED; do
            is_equal "next hops that $router has for $address" "" "$(kernel_next_hops "$router" "$address/32")"
        done
    done
    is_equal "paths of vmx1 to $FORGED" "" "$(vmx1 "show bgp ipv4 unicast $FORGED/32 json" | jq -r '.paths[]?.nexthops[]?.ip')"
    note "vmx1# show ip route bgp"
    vmx1 "show ip route bgp" | grep -E '100\.[12]\.0\.|198\.51|203\.0' | indent
    good "neither $INJECTED nor $FORGED left; red's later FloatingIP did"

    note "an operator grants blue 203.0.113.0/24"
    ask 200 PUT /v1/namespaces/blue/grant '{"prefixes": ["100.2.0.0/24", "203.0.113.0/24"], "endpointPrefixes": ["10.233.64.13/32"], "communities": ["64512:*"]}'
    forwards_to vmx1 "$FORGED/32" 172.27.115.243
    good "with the grant, $FORGED leaves: it was the fence that held it"

    ask "202|204" DELETE /v1/namespaces/blue/floating-ips/forged
    within 20 "the forged FloatingIP is gone" is_gone /v1/namespaces/blue/floating-ips/forged
    is_equal "with it its route" "" "$(kernel_next_hops vmx1 "$FORGED/32")"
    on control gobgp global rib del "$INJECTED/32" nexthop 172.27.115.242 || true
}

gobgpd_has() { on control gobgp global rib "$1" 2>&1 | grep -q 172.27.115.243; }

# What no request could write: a subnet outside of the grant and an address of it, and the news of both, as a request would leave it.
forge_rows() {
    "$(postgres_bin)/psql" -qAt -v ON_ERROR_STOP=1 -h "$LAB_DIR/pg/socket" -U cn2 -d cn2 >/dev/null <<SQL || fail "the rows could not be written"
BEGIN;
UPDATE external_network SET spec = jsonb_set(spec, '{subnets}', spec -> 'subnets' || '[{"cidr": "203.0.113.0/24", "gateway": "203.0.113.1", "ranges": [], "reserved": []}]') WHERE namespace = 'blue' AND name = 'vn';
INSERT INTO subnet (external_network_uid, cidr, gateway, position) SELECT uid, '203.0.113.0/24', '203.0.113.1', 1 FROM external_network WHERE namespace = 'blue' AND name = 'vn';
INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address, external_network_uid, reserved, spec)
    SELECT gen_random_uuid(), 'blue', 'forged', '{}', '{}', 1, now(), now(), id, cidr, '$FORGED', external_network_uid, true, '{"interfaces": ["nginx-3-eth0"], "portMappings": []}' FROM subnet WHERE cidr = '203.0.113.0/24';
INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 2, namespace, name, uid, 2, false FROM external_network WHERE namespace = 'blue';
INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 5, namespace, name, uid, 1, false FROM floating_ip WHERE name = 'forged';
COMMIT;
SQL
}
