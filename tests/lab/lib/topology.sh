# The seed's network, in network namespaces named after this run; nothing of it is visible outside them.
#
#                    fabric 172.27.115.0/24, fd00:172:27:115::/64
#   ┌────────┬──────────┬──────────┬──────────┬──────────┐
#  control compute1   compute2    vmx1      bird1
#   .241     .242       .243       .245      .246
#            │  │        │          │          │
#       nginx-1 nginx-2  nginx-3  client     client2
#     10.233.64.11  .12    .13   10.99.0.2  10.98.0.2

LAB=                          # prefix of the namespaces, e.g. cn2lab-4711
LAB_DIR=                      # state of this run
FABRIC_NODES="control:241 compute1:242 compute2:243 vmx1:245 bird1:246"
PODS="nginx-1:compute1:11 nginx-2:compute1:12 nginx-3:compute2:13"
POD_V6=fd85:ee78:d8a6:8607::1

CONTROL=172.27.115.241
API_URL=https://$CONTROL:8080
AGENTS_URL=https://$CONTROL:8081
KUBERNETES_URL=https://$CONTROL:8082
VMX1=172.27.115.245
BIRD1=172.27.115.246
CLIENT=10.99.0.2
CLIENT_V6=fd00:10:99::2

# on NODE COMMAND...: runs the command inside a node.
on() { ip netns exec "$LAB-$1" "${@:2}"; }

node_up() {
    ip netns add "$LAB-$1"
    ip -n "$LAB-$1" link set lo up
    on "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.default.accept_ra=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
        net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.default.keep_addr_on_down=1
}

forwards() {
    on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
}

# wire NODE DEVICE NODE DEVICE: a cable between two nodes.
wire() {
    ip -n "$LAB-$1" link add "$2" type veth peer name "$4" netns "$LAB-$3"
    ip -n "$LAB-$1" link set "$2" up
    ip -n "$LAB-$3" link set "$4" up
}

address() { ip -n "$LAB-$1" address add "$3" dev "$2"; }
route() { ip -n "$LAB-$1" route replace "${@:2}"; }

build_topology() {
    local node last pod where entry
    node_up fabric
    ip -n "$LAB-fabric" link add br0 type bridge
    ip -n "$LAB-fabric" link set br0 up
    for entry in $FABRIC_NODES; do
        IFS=: read -r node last <<<"$entry"
        node_up "$node"
        wire "$node" eth0 fabric "$node"
        ip -n "$LAB-fabric" link set "$node" master br0
        address "$node" eth0 "172.27.115.$last/24"
        address "$node" eth0 "fd00:172:27:115::$last/64"
    done
    for node in compute1 compute2 vmx1 bird1; do forwards "$node"; done

    attach_client client vmx1 10.99.0 fd00:10:99:
    attach_client client2 bird1 10.98.0 fd00:10:98:
    for node in control compute1 compute2; do
        route "$node" default via $VMX1
        route "$node" default via fd00:172:27:115::245
        route "$node" 10.98.0.0/24 via $BIRD1
        route "$node" fd00:10:98::/64 via fd00:172:27:115::246
    done

    for entry in $PODS; do
        IFS=: read -r pod where last <<<"$entry"
        attach_pod "$pod" "$where" "$last"
    done
    # The fabric's task (contract, chapter 5): every node reaches the pods of the other one.
    for entry in $PODS; do
        IFS=: read -r pod where last <<<"$entry"
        if [ "$where" = compute1 ]; then
            route compute2 "10.233.64.$last/32" via 172.27.115.242
            route compute2 "$POD_V6:$last/128" via fd00:172:27:115::242
        else
            route compute1 "10.233.64.$last/32" via 172.27.115.243
            route compute1 "$POD_V6:$last/128" via fd00:172:27:115::243
        fi
    done
}

attach_client() {
    local client=$1 router=$2 v4=$3 v6=$4
    node_up "$client"
    wire "$client" eth0 "$router" "$client"
    address "$router" "$client" "$v4.1/24"
    address "$router" "$client" "$v6:1/64"
    address "$client" eth0 "$v4.2/24"
    address "$client" eth0 "$v6:2/64"
    route "$client" default via "$v4.1"
    route "$client" default via "$v6:1"
}

# A pod has addresses of its own (no subnet) and its node as gateway, the way CNI plugins do it.
attach_pod() {
    local pod=$1 where=$2 last=$3
    node_up "$pod"
    wire "$pod" eth0 "$where" "$pod"
    address "$pod" eth0 "10.233.64.$last/32"
    address "$pod" eth0 "$POD_V6:$last/128"
    address "$where" "$pod" 10.233.64.1/32
    ip -n "$LAB-$where" address add fe80::1/64 dev "$pod" nodad
    route "$where" "10.233.64.$last/32" dev "$pod"
    route "$where" "$POD_V6:$last/128" dev "$pod"
    route "$pod" default via 10.233.64.1 dev eth0 onlink
    route "$pod" default via fe80::1 dev eth0
}

# Pulls a node's cable out of the fabric, and puts it back.
unplug() { ip -n "$LAB-fabric" link set "$1" down; }
plug() { ip -n "$LAB-fabric" link set "$1" up; }

lab_namespaces() { ip netns list 2>/dev/null | awk -v lab="$1-" 'index($1, lab) == 1 { print $1 }'; }

# Ends what still runs inside the namespaces of one lab (they are ours alone), then removes them.
remove_topology() {
    local lab=$1 name pids
    [ -n "$lab" ] || return 0
    for name in $(lab_namespaces "$lab"); do
        pids=$(ip netns pids "$name" 2>/dev/null || true)
        # shellcheck disable=SC2086
        [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$name" 2>/dev/null || true
    done
}
