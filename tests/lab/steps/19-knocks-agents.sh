TITLE="Hard knocks: all agents are cut off, and others claim their names; no client notices"

step() {
    local node
    traffic_begins knocks client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests knocks 10

    on control nft -f - <<<'table inet knock { chain input { type filter hook input priority -10; tcp dport 8081 drop; }; }'
    note "the control node hears no agent any more"
    for node in compute1 compute2; do
        await 30 "/v1/virtual-routers/$node" '.status.connected == false' "$node is shown as gone"
    done
    # Well past LostAfterSeconds: one node would have lost its routes by now.
    traffic_goes_on knocks 120 25
    is_equal "vmx1 still forwards to both" "172.27.115.242 172.27.115.243" "$(kernel_next_hops vmx1 "$VIP/32")"
    on control nft delete table inet knock
    for node in compute1 compute2; do
        await 20 "/v1/virtual-routers/$node" '.status.connected' "$node is back"
    done
    good "many at once are no dead nodes: the routes stayed"

    intrude compute1 172.27.115.249
    await 15 /v1/virtual-routers/compute1 'any(.status.conditions[]; .type == "DuplicateAgent" and .status == "True")' "compute1 says that somebody else claims its name"
    stop "$LAB_DIR" intruder KILL 2
    intrude compute9 172.27.115.242
    await 15 /v1/virtual-routers/compute1 'any(.status.conditions[]; .type == "AddressTaken" and .status == "True")' "compute1 says that somebody else claims its address"
    stop "$LAB_DIR" intruder KILL 2
    is_equal "compute1 stays connected" true "$(call GET /v1/virtual-routers/compute1 && field .status.connected)"
    traffic_ends knocks
    nothing_was_lost knocks 150
}

# An agent somewhere else that claims a name and an address.
intrude() {
    note "an agent at vmx1 says that it is $1 with address $2"
    start "$LAB_DIR" intruder ip netns exec "$LAB-vmx1" "$VROUTER" --server "http://$CONTROL:8081" --name "$1" --address "$2" --state-dir "$LAB_DIR/intruder"
}
