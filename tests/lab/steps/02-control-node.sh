TITLE="The control node runs, and the agents of both compute nodes are connected"

# Of the Kubernetes API: kubectl sends its token over https only.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=cn2-lab -addext "subjectAltName=IP:$CONTROL" \
        -keyout "$LAB_DIR/server.key" -out "$LAB_DIR/server.pem" 2>"$LAB_DIR/log/openssl.log" || die "openssl made no certificate." "$(tail -n 5 "$LAB_DIR/log/openssl.log")"
    chmod 600 "$LAB_DIR/server.key"
}

# Also used by the step that kills and restarts the server.
start_lab_api() {
    start_api "$LAB_DIR" "$API_URL" \
        Http__Url="$API_URL" Grpc__Url="http://$CONTROL:8081" Kubernetes__Url="$KUBERNETES_URL" \
        Http__AllowPlain=true Grpc__AllowPlain=true Agents__Mode=none Http__Certificate__Path="$LAB_DIR/server.pem" Http__Certificate__KeyPath="$LAB_DIR/server.key" \
        Bgp__GoBgp__Address=http://127.0.0.1:50051 Bgp__RouterId="$CONTROL" Bgp__AutonomousSystem=64512 \
        Bgp__ListenAddresses__0="$CONTROL" ControlNode__Name=control VRouters__LostAfterSeconds=10
}

start_lab_gobgpd() { start_gobgpd "$LAB_DIR" 127.0.0.1:50051; }

step() {
    UNDER=(ip netns exec "$LAB-control")
    start_postgres "$LAB_DIR"
    start_lab_gobgpd
    make_certificate
    start_lab_api
    good "PostgreSQL, gobgpd and CN2.Api on $CONTROL"
    call GET /v1/namespaces
    is_equal "who does not say who they are is refused" 401 "$CODE"
    become_admin
    get /v1/namespaces
    good "An API token opens it: CN2.Api token create --name lab --role admin"
    start_agent compute1 242
    start_agent compute2 243
    local node
    for node in compute1 compute2; do
        await 20 "/v1/virtual-routers/$node" '.status.connected' "$node is connected"
    done
    get /v1/virtual-routers
    jq -r '["NAME", "ADDRESS", "CONNECTED", "AGENT"], (.items[] | [.name, .address, .status.connected, .status.agentVersion]) | @tsv' <<<"$BODY" | table
}
