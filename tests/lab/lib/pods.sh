# The pods' nginx, and the agents on the compute nodes.

start_pods() {
    local entry POD where
    for entry in $PODS; do
        IFS=: read -r POD where _ <<<"$entry"
        mkdir -p "$LAB_DIR/pods/$POD"
        render tests/lab/etc/nginx.conf >"$LAB_DIR/pods/$POD/nginx.conf"
        on "$POD" "$(path_of nginx)" -e "$LAB_DIR/log/$POD.log" -c "$LAB_DIR/pods/$POD/nginx.conf"
        adopt "$LAB_DIR" "$POD" "$LAB_DIR/pods/$POD/nginx.pid"
    done
}

fall_sick() { : >"$LAB_DIR/pods/$1/sick"; }
get_well() { rm -f "$LAB_DIR/pods/$1/sick"; }

start_agent() {
    local node=$1 last=$2
    start "$LAB_DIR" "$node-agent" ip netns exec "$LAB-$node" "$VROUTER" --server "http://$CONTROL:8081" --name "$node" \
        --address "172.27.115.$last" --address6 "fd00:172:27:115::$last" --state-dir "$LAB_DIR/$node"
}
