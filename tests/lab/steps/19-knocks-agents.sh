TITLE="Hard knocks: agents that claim another node's name or address are refused, and the node says so"

step() {
    traffic_begins names client "http://$VIP:8080/"
    within 5 "the client is asking" at_least_requests names 3
    cp -r "$LAB_DIR/compute1" "$LAB_DIR/intruder"
    note "somebody copied the state directory of compute1, its certificate included"
    intrude compute1 172.27.115.249 DuplicateAgent
    rm -rf "$LAB_DIR/intruder"
    join_node compute9 249 vmx1
    mv "$LAB_DIR/compute9" "$LAB_DIR/intruder"
    intrude compute9 172.27.115.242 AddressTaken
    get /v1/virtual-routers
    show_virtual_routers
    is_equal "compute1 stays connected" true "$(field '.items[] | select(.name == "compute1") | .status.connected')"
    is_equal "compute9 was not let in" 0 "$(field '[.items[] | select(.name == "compute9" and .status.connected)] | length')"
    ask "202|204" DELETE /v1/virtual-routers/compute9
    rm -rf "$LAB_DIR/intruder"
    traffic_ends names
    nothing_was_lost names
}

# intrude NAME ADDRESS CONDITION: an agent at vmx1 claims them; compute1 says so.
intrude() {
    note "an agent at vmx1 says that it is $1 with address $2"
    start "$LAB_DIR" intruder ip netns exec "$LAB-vmx1" "$VROUTER" --server "$AGENTS_URL" --name "$1" --address "$2" --state-dir "$LAB_DIR/intruder"
    await 15 /v1/virtual-routers/compute1 "any(.status.conditions[]; .type == \"$3\" and .status == \"True\")" "compute1 says $3"
    stop "$LAB_DIR" intruder KILL 2
}
