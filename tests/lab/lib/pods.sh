# The pods' nginx, and the agents on the compute nodes.

start_pods() {
    local entry POD where
    for entry in $PODS; do
        IFS=: read -r POD where _ <<<"$entry"
        mkdir -p "$LAB_DIR/pods/$POD"
        render tests/lab/etc/nginx.conf >"$LAB_DIR/pods/$POD/nginx.conf"
        head -c 1000000 /dev/zero >"$LAB_DIR/pods/$POD/large"
        on "$POD" "$(path_of nginx)" -e "$LAB_DIR/log/$POD.log" -c "$LAB_DIR/pods/$POD/nginx.conf"
        adopt "$LAB_DIR" "$POD" "$LAB_DIR/pods/$POD/nginx.pid"
    done
}

fall_sick() { : >"$LAB_DIR/pods/$1/sick"; }
get_well() { rm -f "$LAB_DIR/pods/$1/sick"; }

# join_node NODE LAST-BYTE [WHERE]: an operator makes the VirtualRouter and a join token; the machine WHERE gets its certificate by it, into $LAB_DIR/NODE.
join_node() {
    local node=$1 last=$2 where=${3:-$1}
    ask "200|201" PUT "/v1/virtual-routers/$node" "{\"address\": \"172.27.115.$last\", \"address6\": \"fd00:172:27:115::$last\"}"
    ask "200|201" POST "/v1/virtual-routers/$node:join-token"
    install -m 600 /dev/null "$LAB_DIR/$node.join-token"
    field .token >"$LAB_DIR/$node.join-token"
    CA_HASH=$(field .caHash)
    join "$where" "$node" "$LAB_DIR/$node" || fail "$node could not join" "$SAID"
}

# join WHERE NODE DIRECTORY: what is typed at the machine WHERE, with the last token that was made for NODE. What it says is in SAID.
join() {
    SAID=$(on "$1" "$VROUTER" join --server "$AGENTS_URL" --token-file "$LAB_DIR/$2.join-token" --ca-hash "$CA_HASH" --ca-file "$LAB_DIR/ca.pem" --state-dir "$3" 2>&1)
}

# start_agent NODE LAST-BYTE: of a node that has joined.
start_agent() {
    local node=$1 last=$2
    start "$LAB_DIR" "$node-agent" ip netns exec "$LAB-$node" "$VROUTER" --server "$AGENTS_URL" --name "$node" \
        --address "172.27.115.$last" --address6 "fd00:172:27:115::$last" --state-dir "$LAB_DIR/$node"
}
