TITLE="Packets: another firewall on the node drops what it forwards; the node says which chain it is, and the Service is not Ready"

step() {
    local service=/v1/namespaces/packets/services/web began
    began=$(now_ms)
    on compute1 nft -f - <<<'table inet corporate { chain forward { type filter hook forward priority 0; policy drop; }; }'
    note 'compute1# nft -f corporate.nft    (a forward chain with policy drop)'
    await 10 /v1/virtual-routers/compute1 'any(.status.conditions[]; .type == "Forwarding" and .status == "False" and (.message | contains("corporate") and contains("forward")))' \
        "compute1 names table and chain"
    good "$(seconds $(($(now_ms) - began))) later compute1 says: $(field '.status.conditions[] | select(.type == "Forwarding") | .message')"
    await 15 "$service" 'any(.status.conditions[]; .type == "Ready" and .status == "False" and .reason == "NotForwarding")' "the Service is not Ready, because no other node carries it"
    show_conditions "$service"
    page "http://$PACKETS_VIP:8080/" || true
    contains "it is so: the client gets nothing" "timed out|Failed to connect|Timeout" "$PAGE"

    on compute1 nft delete table inet corporate
    await 15 /v1/virtual-routers/compute1 'any(.status.conditions[]; .type == "Forwarding" and .status == "True")' "compute1 forwards again"
    await_ready "$service"
    page "http://$PACKETS_VIP:8080/"
    contains "the client gets the page again" "you are $CLIENT$" "$PAGE"
    good "without that chain the page is there again"
}
