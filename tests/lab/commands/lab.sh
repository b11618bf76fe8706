# `./cn2 lab`: builds the seed's network in namespaces, walks the steps in tests/lab/steps, takes everything down.
# LAB_STEPS="01 02 05" walks only these; LAB_RUN_DIR keeps the state elsewhere than in the run directory.

cn2_lab() {
    local keep=
    while [ $# -gt 0 ]; do
        case $1 in
            --keep) keep=yes ;;
            *) die "\`./cn2 lab\` knows --keep, not $1." ;;
        esac
        shift
    done
    require_root lab
    settle_run_dir
    LAB_DIR=${LAB_RUN_DIR:-$CN2_RUN/lab}
    mkdir -p "$CN2_RUN/log"
    say "${BOLD}CN2.Api lab${PLAIN}: control node, two compute nodes, FRR, BIRD, three pods and two clients on this machine"
    need openssl ip nft sysctl setpriv curl jq initdb gobgpd zebra bird nginx conntrack ping ps python3 tshark dumpcap node npm
    settle_run_dir_again
    with_progress "Fetching kubectl $KUBECTL_VERSIONS" "$CN2_RUN/log/kubectl-programs.log" kubectl_programs || die "kubectl could not be fetched."
    publish
    clear_old_lab

    trap 'lab_ends $? '"${keep:-no}" EXIT
    trap 'lab_error "$LINENO" "${BASH_SOURCE[0]:-}" "$BASH_COMMAND"' ERR
    claim_lab

    local files=() file number
    for file in tests/lab/steps/*.sh; do
        number=$(basename "$file")
        [ -z "${LAB_STEPS:-}" ] || [[ " $LAB_STEPS " == *" ${number%%-*} "* ]] || continue
        files+=("$file")
    done
    [ ${#files[@]} -gt 0 ] || die "No step is called $LAB_STEPS." "The steps are in tests/lab/steps: LAB_STEPS=\"01 02 03\" ./cn2 lab"
    walk "${files[@]}"
}

# The users postgres and frr may only be there since the packages are.
settle_run_dir_again() {
    RUN_DIR_SETTLED=
    settle_run_dir
    LAB_DIR=${LAB_RUN_DIR:-$CN2_RUN/lab}
}

# What an earlier run left behind: its owner was killed, or it was kept.
clear_old_lab() {
    [ -f "$LAB_DIR/name" ] || { rm -rf "$LAB_DIR"; return 0; }
    local owner began
    read -r owner began <"$LAB_DIR/owner" || true
    if [ -f "$LAB_DIR/kept" ]; then
        die "A lab is kept running ($(<"$LAB_DIR/name"))." "Take it down first: ./cn2 down"
    fi
    if [ -n "${owner:-}" ] && [ "$(start_time "$owner")" = "${began:-}" ]; then
        die "Another ./cn2 lab of this clone is running (pid $owner)." "Wait for it, or give this one a place of its own: CN2_RUN_DIR=/var/tmp/cn2-b ./cn2 lab"
    fi
    warn "An earlier run was cut off; clearing what it left"
    take_lab_down
}

claim_lab() {
    mkdir -p "$LAB_DIR/log" "$LAB_DIR/pids"
    LAB=cn2lab-$$
    while [ -n "$(lab_namespaces "$LAB")" ]; do LAB=cn2lab-$$-$RANDOM; done
    printf '%s %s\n' $$ "$(start_time $$)" >"$LAB_DIR/owner"
    printf '%s\n' "$LAB" >"$LAB_DIR/name"
}

take_lab_down() {
    local name=
    [ ! -f "$LAB_DIR/name" ] || name=$(<"$LAB_DIR/name")
    stop_all "$LAB_DIR"
    remove_topology "$name"
    rm -rf "$LAB_DIR"
    # FRR's daemons make a directory each in here and remove it at their end.
    rmdir /var/tmp/frr 2>/dev/null || true
}

# A command failed where no step expected it.
lab_error() {
    [ -z "$FAILED" ] || return 0
    FAILED="$3"
    complain "Unexpected failure in ${2#"$CN2_ROOT"/}, line $1: $3"
}

lab_ends() {
    local status=$1 keep=$2
    trap - ERR EXIT
    trap '' INT TERM HUP
    set +e
    wipe
    [ -z "$ACTIVE_CHILD" ] || kill "$ACTIVE_CHILD" 2>/dev/null
    if [ "$status" -ne 0 ] && [ "$status" -ne 130 ] && [ "$status" -ne 143 ]; then
        (diagnose)
        rm -rf "$CN2_RUN/lab-failed"
        cp -r "$LAB_DIR/log" "$CN2_RUN/lab-failed" 2>/dev/null
        summary
        say "All logs of this run: $CN2_RUN/lab-failed"
    elif [ "$status" -eq 0 ]; then
        summary
    else
        complain "Interrupted."
    fi
    if [ "$keep" = yes ] && [ "$status" -ne 130 ] && [ "$status" -ne 143 ]; then
        : >"$LAB_DIR/kept"
        look_around
    else
        take_lab_down
    fi
    exit "$status"
}

look_around() {
    open_windows
    heading "The lab is still running. Look around:"
    cat <<TEXT
${WINDOW:+  Swagger UI    $WINDOW/swagger
}${KUBERNETES_WINDOW:+  kubectl       export KUBECONFIG=$LAB_DIR/kubeconfig
                kubectl get svc,fip -n ns1
}  router        ip netns exec $LAB-vmx1 vtysh --vty_socket $LAB_DIR/vmx1 -c 'show ip route bgp'
  BIRD          ip netns exec $LAB-bird1 birdc -s $LAB_DIR/bird1/bird.ctl show route
  the page      ip netns exec $LAB-client curl http://${VIP:-100.0.0.2}:8080/
  REST          ip netns exec $LAB-control curl -s -K $LAB_DIR/lab.curl $API_URL/v1/namespaces/ns1/services | jq
  BGP           ip netns exec $LAB-control gobgp global rib
  NAT           ip netns exec $LAB-compute1 nft list ruleset
  packets       ip netns exec $LAB-compute1 tshark -ni eth0 -f 'port 8080'
  logs          $LAB_DIR/log/

  Take it down  ./cn2 down
TEXT
}

# The control node cannot be seen from outside its namespace. Two small relays make a window for a browser on this
# machine: loopback here -> a unix socket, which namespaces share -> the API there. Two more do it for kubectl.
WINDOW=
KUBERNETES_WINDOW=
open_windows() {
    if open_window api "$CN2_HTTP_PORT" "$API_URL"; then WINDOW=http://127.0.0.1:$CN2_HTTP_PORT; fi
    # kubectl sends no token over plain http: the relay adds it, so whoever is on this machine may do everything, as with `./cn2 up`.
    if open_window kubernetes "$CN2_KUBERNETES_PORT" "$KUBERNETES_URL"; then
        kubeconfig "$LAB_DIR/kubeconfig" "http://127.0.0.1:$CN2_KUBERNETES_PORT"
        KUBERNETES_WINDOW=yes
    fi
}

# open_window NAME PORT URL: the URL of the control node, at this port here. The relay adds the lab's token where its requests have none.
open_window() {
    local name=$1 port=$2 url=$3 side
    port_is_free "$port" || return 1
    for side in inside outside; do mkdir -p "$LAB_DIR/window-$name-$side"; done
    render tests/lab/etc/window.conf | sed -e "s|@LISTEN@|unix:$LAB_DIR/$name.sock|" -e "s|@TO@|$url|" -e "s|@SIDE@|$name-inside|" -e "s|@AUTHORIZATION@|${LAB_TOKEN:+Bearer $LAB_TOKEN}|" >"$LAB_DIR/window-$name-inside.conf"
    render tests/lab/etc/window.conf | sed -e "s|@LISTEN@|127.0.0.1:$port|" -e "s|@TO@|http://unix:$LAB_DIR/$name.sock|" -e "s|@SIDE@|$name-outside|" -e "s|@AUTHORIZATION@||" >"$LAB_DIR/window-$name-outside.conf"
    start "$LAB_DIR" "window-$name-inside" ip netns exec "$LAB-control" "$(path_of nginx)" -e stderr -c "$LAB_DIR/window-$name-inside.conf"
    start "$LAB_DIR" "window-$name-outside" "$(path_of nginx)" -e stderr -c "$LAB_DIR/window-$name-outside.conf"
    eventually 5 "the window" curl -fsS "http://127.0.0.1:$port/readyz"
}
