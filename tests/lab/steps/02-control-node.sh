TITLE="The control node runs with TLS and tokens; both compute nodes have joined by token, and their agents are connected"

# A CA and the server's certificate of it, and the certificate under which secrets are encrypted, as docs/security.md makes them.
make_certificates() {
    {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=CN2 lab CA" -keyout "$LAB_DIR/ca.key" -out "$LAB_DIR/ca.pem" &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=cn2-lab -addext "subjectAltName=IP:$CONTROL" -keyout "$LAB_DIR/server.key" -out "$LAB_DIR/server.csr" &&
            openssl x509 -req -in "$LAB_DIR/server.csr" -CA "$LAB_DIR/ca.pem" -CAkey "$LAB_DIR/ca.key" -days 2 -copy_extensions copy -out "$LAB_DIR/server.pem" &&
            openssl req -x509 -newkey rsa:3072 -nodes -days 2 -subj "/CN=CN2 lab secrets" -keyout "$LAB_DIR/secrets.key" -out "$LAB_DIR/secrets.pem"
    } >"$LAB_DIR/log/openssl.log" 2>&1 || die "openssl made no certificates." "$(tail -n 5 "$LAB_DIR/log/openssl.log")"
    chmod 600 "$LAB_DIR"/{ca,server,secrets}.key
    TRUST=(--cacert "$LAB_DIR/ca.pem")
}

# Also used by the step that kills and restarts the server. The names are those of the windows that `--keep` opens.
start_lab_api() {
    start_api "$LAB_DIR" "$API_URL" \
        Http__Url="$API_URL" Grpc__Url="$AGENTS_URL" Kubernetes__Url="$KUBERNETES_URL" \
        Http__Certificate__Path="$LAB_DIR/server.pem" Http__Certificate__KeyPath="$LAB_DIR/server.key" \
        Grpc__Certificate__Path="$LAB_DIR/server.pem" Grpc__Certificate__KeyPath="$LAB_DIR/server.key" \
        Secrets__Certificate__Path="$LAB_DIR/secrets.pem" Secrets__Certificate__KeyPath="$LAB_DIR/secrets.key" \
        Bgp__GoBgp__Address=http://127.0.0.1:50051 Bgp__RouterId="$CONTROL" Bgp__AutonomousSystem=64512 \
        AllowedHosts="127.0.0.1;localhost" Bgp__ListenAddresses__0="$CONTROL" ControlNode__Name=control VRouters__LostAfterSeconds=10
}

start_lab_gobgpd() { start_gobgpd "$LAB_DIR" 127.0.0.1:50051; }

step() {
    UNDER=(ip netns exec "$LAB-control")
    start_postgres "$LAB_DIR"
    start_lab_gobgpd
    make_certificates
    start_lab_api
    good "PostgreSQL, gobgpd and CN2.Api on $CONTROL, with TLS for REST, kubectl and agents"
    become nobody
    call GET /v1/namespaces
    is_equal "who does not say who they are is refused" 401 "$CODE"
    become_admin
    get /v1/namespaces
    good "An API token opens it: CN2.Api token create --name lab --role admin"
    join_node compute1 242
    note "compute1# cn2-vrouter join --server $AGENTS_URL --token-file TOKEN --ca-hash ${CA_HASH:0:19}... --ca-file CA --state-dir DIR"
    indent <<<"$SAID"
    join_node compute2 243
    start_agent compute1 242
    start_agent compute2 243
    local node
    for node in compute1 compute2; do
        await 20 "/v1/virtual-routers/$node" '.status.connected' "$node is connected"
    done
    get /v1/virtual-routers
    jq -r '["NAME", "ADDRESS", "CONNECTED", "AGENT"], (.items[] | [.name, .address, .status.connected, .status.agentVersion]) | @tsv' <<<"$BODY" | table
}
