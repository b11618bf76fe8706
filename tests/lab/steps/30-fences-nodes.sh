TITLE="Fences: a node is itself alone, whoever is not is refused; what is secret stays so, and the audit log has who tried what"

step() {
    node_up compute3
    wire compute3 eth0 fabric compute3
    ip -n "$LAB-fabric" link set compute3 master br0
    address compute3 eth0 172.27.115.244/24

    join_node compute3 244
    note "a new node, compute3, has joined; somebody tries its token again"
    ! join compute3 compute3 "$LAB_DIR/again" || fail "the token counted twice" "$SAID"
    contains "the second time, the token is refused" "used|token" "$SAID"
    indent <<<"$SAID"

    agent_is_refused nobody compute2 "$LAB_DIR/empty" "certificate"
    agent_is_refused compute3 compute2 "$LAB_DIR/compute3" "compute3"

    start_agent compute3 244
    await 20 /v1/virtual-routers/compute3 '.status.connected' "compute3 is connected"
    local began
    began=$(now_ms)
    ask "202|204" DELETE /v1/virtual-routers/compute3
    within 5 "its agent hears that its certificate is revoked" grep -qiE 'revoked|worth nothing|deleted' "$LAB_DIR/log/compute3-agent.log"
    good "compute3 is deleted; its agent was cut off after $(seconds $(($(now_ms) - began)))"
    stop "$LAB_DIR" compute3-agent
    is_gone /v1/virtual-routers/compute3 || fail "the agent made its VirtualRouter again"
    get /v1/virtual-routers/compute2
    is_equal "compute2 stays connected" true "$(field .status.connected)"

    pods_are_no_routers
    plain_text_is_refused
    secrets_stay_secret
    show_audit
}

# agent_is_refused WHO NAME DIRECTORY WORDS: an agent at compute3 that says it is NAME, with the certificate in DIRECTORY.
agent_is_refused() {
    local log=$LAB_DIR/log/false-$1.log
    start "$LAB_DIR" "false-$1" ip netns exec "$LAB-compute3" "$VROUTER" --server "$AGENTS_URL" --name "$2" --address 172.27.115.244 --state-dir "$3" --ca-file "$LAB_DIR/ca.pem"
    within 15 "an agent that says it is $2 with the certificate of $1 is told why it is refused" its_log_says "$log" "$4"
    stop "$LAB_DIR" "false-$1" KILL 2
    its_log_says "$log" "$4" | head -n 1 | cut -c1-200 | indent
}

# A pod sends MPLS in UDP to its node, with the address of a router and the label of a VPN: the node takes it from the fabric only.
pods_are_no_routers() {
    on nginx-1 ip address add 172.27.115.247/32 dev lo
    on nginx-1 "$(path_of python3)" -c '
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("172.27.115.247", 50000))
sender.sendto(bytes.fromhex("00011140") + bytes(40), ("172.27.115.242", 6635))'
    within 5 "compute1 has dropped what a pod sent in the name of a router" compute1_dropped_of_pods
    on nginx-1 ip address del 172.27.115.247/32 dev lo
    good "compute1 dropped the tunnel's packet that a pod sent in the name of a router"
}

compute1_dropped_of_pods() { on compute1 nft list counter ip cn2 not_from_uplink | grep -q 'packets [1-9]'; }

# its_log_says FILE PATTERN: behind the line with the command that was started.
its_log_says() { tail -n +2 "$1" | grep -E "$2"; }

plain_text_is_refused() {
    local port
    for port in 8080 8081 8082; do
        ! on control curl -fsS --max-time 3 "http://$CONTROL:$port/readyz" >/dev/null 2>&1 || fail "port $port answers plain http"
        ! on control openssl s_client -connect "$CONTROL:$port" -tls1_1 </dev/null >/dev/null 2>&1 || fail "port $port speaks TLS 1.1"
    done
    good "the ports for REST, agents and kubectl speak TLS 1.2 and 1.3 only"
}

# The keys of a BGP session and of the agents' CA, the tokens: in no answer, no log and no dump of the database.
secrets_stay_secret() {
    local key=md5-of-the-lab-$RANDOM$RANDOM secret where
    ask 201 POST /v1/bgp-routers "{\"name\": \"secretive\", \"address\": \"172.27.115.250\", \"autonomousSystem\": 64512, \"authKey\": \"$key\"}"
    ask 200 PATCH /v1/bgp-routers/secretive "{\"authKey\": \"$key-again\"}"
    mkdir -p "$LAB_DIR/seen"
    for where in bgp-routers "audit?limit=500" tokens virtual-routers events; do
        get "/v1/$where"
        printf '%s' "$BODY" >"$LAB_DIR/seen/${where%%\?*}"
    done
    "$(postgres_bin)/pg_dump" -h "$LAB_DIR/pg/socket" -U cn2 cn2 >"$LAB_DIR/seen/dump.sql"
    cp "$LAB_DIR"/log/{api,gobgpd,compute1-agent,compute2-agent}.log "$LAB_DIR/seen/"
    for secret in "$key" "$(<"$LAB_DIR/lab.token")" "$(<"$LAB_DIR/blue.token")" "$(<"$LAB_DIR/compute1.join-token")" "BEGIN EC PRIVATE KEY" "BEGIN PRIVATE KEY"; do
        where=$(grep -lF -- "$secret" "$LAB_DIR"/seen/* || true)
        [ -z "$where" ] || fail "a secret is readable in $where" "${secret:0:12}..."
    done
    # The search itself finds what is there.
    grep -qF secretive "$LAB_DIR/seen/dump.sql" || fail "the dump has nothing of the BgpRouter"
    ask "202|204" DELETE /v1/bgp-routers/secretive
    good "authKey, tokens, join tokens and the key of the agents' CA: in no answer, no log, and not in pg_dump's $(wc -l <"$LAB_DIR/seen/dump.sql") lines"
}

show_audit() {
    get "/v1/audit?namespace=blue&limit=12"
    note "the audit log about blue, the newest first"
    jq -r '["TIME", "CALLER", "METHOD", "PATH", "STATUS", "CODE", "CHANGES"],
        (.items[] | [(.at[11:19]), (.caller.name), .method, (.path | sub("/v1/namespaces/blue"; "…")), .status, .code, ((.changes // []) | join(",") | .[0:40])]) | @tsv' <<<"$BODY" | table
    get "/v1/audit?caller=blue-portal&limit=200"
    is_equal "each attempt of blue on red is there" true "$(field '[.items[] | select(.status == 403)] | length >= 10')"
}
