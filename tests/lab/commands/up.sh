# `./cn2 up`: a control node on loopback, for trying the API and Swagger UI. Data stays in the run directory until
# `./cn2 down --purge`. No root needed where the packages are installed.
# CN2_BGP_PORT=179 lets routers connect to it (default: it only connects itself), CN2_ROUTER_ID chooses its identifier.

cn2_up() {
    [ $# -eq 0 ] || die "\`./cn2 up\` takes no arguments, not $1."
    settle_run_dir
    need curl ss initdb gobgpd setpriv
    RUN_DIR_SETTLED=
    settle_run_dir
    UP_DIR=$CN2_RUN/up
    local url=http://127.0.0.1:$CN2_HTTP_PORT
    if running "$UP_DIR" api; then
        say "It is already up: $url/swagger"
        up_hints "$url"
        return 0
    fi
    stop_all "$UP_DIR"
    if [ -f "$UP_DIR/pg/data/PG_VERSION" ] && ! is_root && [ ! -O "$UP_DIR/pg/data" ]; then
        die "The data in $UP_DIR belongs to another user (it was made with sudo?)." "Run this with sudo too, or forget the data: sudo ./cn2 down --purge"
    fi
    local port
    for port in "$CN2_HTTP_PORT" "$CN2_GRPC_PORT" "$CN2_KUBERNETES_PORT"; do
        port_is_free "$port" || die "Port $port is in use on this machine." \
            "Choose others: CN2_HTTP_PORT=18080 CN2_GRPC_PORT=18081 CN2_KUBERNETES_PORT=18082 ./cn2 up"
    done
    publish

    mkdir -p "$UP_DIR/log" "$UP_DIR/pids"
    trap 'up_ends $?' EXIT
    start_postgres "$UP_DIR"
    good "PostgreSQL, private, by unix socket"
    start_gobgpd "$UP_DIR" "unix://$UP_DIR/gobgp.sock"
    good "gobgpd, driven by unix socket"
    start_api "$UP_DIR" "$url" \
        ControlNode__Name=control Auth__Mode=none Agents__Mode=none Http__Url="$url" Grpc__Url="http://127.0.0.1:$CN2_GRPC_PORT" Kubernetes__Url="http://127.0.0.1:$CN2_KUBERNETES_PORT" \
        Bgp__GoBgp__Address="unix://$UP_DIR/gobgp.sock" Bgp__RouterId="$(router_id)" Bgp__ListenPort="${CN2_BGP_PORT:--1}"
    kubeconfig "$UP_DIR/kubeconfig" "http://127.0.0.1:$CN2_KUBERNETES_PORT"
    good "CN2.Api"
    trap - EXIT
    say ""
    say "${BOLD}Swagger UI: $url/swagger${PLAIN}"
    up_hints "$url"
}

up_hints() {
    cat <<TEXT

  Try       curl -s $1/v1/namespaces | jq
  kubectl   export KUBECONFIG=$UP_DIR/kubeconfig
            kubectl get namespaces
  Agents    cn2-vrouter --server http://127.0.0.1:$CN2_GRPC_PORT --name compute1 --address <this node's address>
  BGP       gobgp --target unix://$UP_DIR/gobgp.sock global rib
  Logs      $UP_DIR/log/
  Stop      ./cn2 down            (--purge forgets the data)
  See all of it work, routers and pods included: sudo ./cn2 lab
TEXT
}

# The first address of this machine that is not loopback; any IPv4 serves as an identifier.
router_id() {
    local found
    found=${CN2_ROUTER_ID:-$(ip -4 -o address show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')}
    printf '%s' "${found:-192.0.2.1}"
}

up_ends() {
    trap - EXIT
    trap '' INT TERM HUP
    [ -z "$ACTIVE_CHILD" ] || kill "$ACTIVE_CHILD" 2>/dev/null || true
    [ "$1" -eq 0 ] || stop_all "$UP_DIR"
    exit "$1"
}
