TITLE="BGP sessions: vmx1 (FRR, iBGP 64512) and bird1 (BIRD, eBGP 65001)"

step() {
    ask 201 POST /v1/bgp-routers "{\"name\": \"vmx1\", \"address\": \"$VMX1\", \"autonomousSystem\": 64512}"
    ask 201 POST /v1/bgp-routers "{\"name\": \"bird1\", \"address\": \"$BIRD1\", \"autonomousSystem\": 65001}"
    local router
    for router in vmx1 bird1; do
        await 40 "/v1/bgp-routers/$router" 'any(.status.sessions[]; .state == "Established")' "$router is Established"
    done
    within 10 "vmx1 says Established" vmx1_session_is_up
    get /v1/bgp-routers
    jq -r '["NAME", "ADDRESS", "AS", "STATE", "ADD-PATH"],
        (.items[] | . as $r | .status.sessions[] | [$r.name, $r.address, $r.autonomousSystem, .state, .addPath]) | @tsv' <<<"$BODY" | table
}
