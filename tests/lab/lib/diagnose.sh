# What somebody needs to see when a step failed: the state of every part, and where the logs are.

diagnose() {
    set +eE
    trap - ERR
    local name
    heading "What the parts say"
    if running "$LAB_DIR" api; then
        call GET "/v1/namespaces/ns1/services"
        note "services: state, conditions that are not True"
        jq -r '.items[]? | .name as $n | .status.state as $s | (.status.conditions[]? | select(.status != "True") | [$n, $s, .type, .reason, .message]) | @tsv' <<<"$BODY" | table
        call GET "/v1/virtual-routers"
        note "vRouters"
        jq -r '["NAME", "CONNECTED", "DESIRED", "APPLIED", "MESSAGE"], (.items[]? | [.name, .status.connected, .status.desiredRevision, .status.appliedRevision, .status.message]) | @tsv' <<<"$BODY" | table
        call GET "/v1/bgp-routers"
        note "BGP routers"
        jq -r '["NAME", "STATE", "ADVERTISED", "LAST ERROR"], (.items[]? | .name as $n | .status.sessions[]? | [$n, .state, .advertised, .lastError]) | @tsv' <<<"$BODY" | table
        call GET "/v1/events?limit=12"
        note "the latest events"
        jq -r '.items[]? | [.createdAt, .regarding, .reason, .message] | @tsv' <<<"$BODY" 2>/dev/null | cut -c1-200 | table
    fi
    if running "$LAB_DIR" gobgpd; then
        note "gobgp global rib, and its neighbours"
        { on control gobgp global rib; on control gobgp global rib -a ipv6; on control gobgp neighbor; } 2>&1 | head -n 40 | indent
    fi
    if running "$LAB_DIR" vmx1-bgpd; then
        note "vmx1# show bgp summary"
        vmx1 "show bgp summary" 2>&1 | head -n 30 | indent
        note "vmx1# ip route"
        ip -n "$LAB-vmx1" route 2>&1 | head -n 20 | indent
    fi
    for name in compute1 compute2; do
        lab_namespaces "$LAB" | grep -q "$name" || continue
        note "$name: what its nftables tables hold (the rest: nft list ruleset)"
        on "$name" nft list ruleset 2>&1 | awk '
            /^table|^Error/ { print } /^[ \t]*(map|set) / { name = $2 }
            /elements = / { inside = 1; print "  " name } inside { print "  " $0 } inside && /}$/ { inside = 0 }' | head -n 40 | indent
    done
    if grep -qsE '^(fail|crit|Unhandled)' "$LAB_DIR/log/api.log"; then
        note "what the API's log calls a failure (the latest)"
        grep -E -A 3 '^(fail|crit|Unhandled)' "$LAB_DIR/log/api.log" | tail -n 16 | cut -c1-300 | indent
    fi
    for name in api compute1-agent compute2-agent gobgpd; do
        [ -f "$LAB_DIR/log/$name.log" ] || continue
        note "the end of log/$name.log$(running "$LAB_DIR" "$name" || printf ' (it is not running)')"
        tail -n 12 "$LAB_DIR/log/$name.log" | cut -c1-300 | indent
    done
}
