# The Kubernetes door of the lab's control node: kubectl there, and what runs the Pods (tests/lab/kubernetes/kubelet.py).

KUBECTL_VERSION=1.33
SAID=

start_kubelet() {
    kubeconfig "$LAB_DIR/kubeconfig-inside" "$KUBERNETES_URL" "$LAB_TOKEN" "$LAB_DIR/ca.pem"
    start "$LAB_DIR" kubelet "$(path_of python3)" tests/lab/kubernetes/kubelet.py --server "$KUBERNETES_URL" --token "$LAB_DIR/lab.token" --ca "$LAB_DIR/ca.pem" --namespace "$LAB-control" \
        --lab "$LAB" --run "$LAB_DIR/pods" --node compute1=172.27.115.242 --node compute2=172.27.115.243
    eventually 20 "the kubelet" grep -q '^watching' "$LAB_DIR/log/kubelet.log" || fail "the kubelet does not watch" "$(tail -n 5 "$LAB_DIR/log/kubelet.log")"
}

# The manifests are those of CN2's document, unchanged; they are named without a path.
kubectl() {
    on control env -C "$CN2_ROOT/tests/manifests" KUBECONFIG="$LAB_DIR/kubeconfig-inside" HOME="$LAB_DIR" KUBE_EDITOR="${KUBE_EDITOR:-}" \
        timeout 60 "$KUBECTL_DIR/$KUBECTL_VERSION/kubectl" "$@" 2>&1
}

# type_kubectl ARGUMENT...: shows the command and what it says, which is in SAID afterwards. It must succeed.
type_kubectl() {
    local status=0
    SAID=$(kubectl "$@") || status=$?
    note "# kubectl $*"
    indent <<<"$SAID"
    [ "$status" -eq 0 ] || fail "kubectl $* ended with status $status" "$SAID"
}

# refuse_kubectl PATTERN ARGUMENT...: the command must fail, and say this.
refuse_kubectl() {
    local pattern=$1 status=0
    shift
    SAID=$(kubectl "$@") || status=$?
    note "# kubectl $*"
    indent <<<"$SAID"
    [ "$status" -ne 0 ] || fail "kubectl $* was not refused" "$SAID"
    contains "kubectl $* says why" "$pattern" "$SAID"
}

# every_kubectl "LINE|LINE..." ARGUMENT...: every version prints this table, but for the AGE and the width of the columns.
every_kubectl() {
    local wanted=$1 version found
    shift
    type_kubectl "$@"
    for version in $KUBECTL_VERSIONS; do
        found=$(KUBECTL_VERSION=$version kubectl "$@" | sed -E 's/ +[0-9smhd]+$/ AGE/; s/ +/ /g; s/ +$//' | paste -sd '|')
        is_equal "kubectl $version $*" "$wanted" "$found"
    done
    good "kubectl $KUBECTL_VERSIONS print the same"
}

# What the document's table says of a Service and its FloatingIPs; the port of the node is any.
service_table() { kubectl get svc -n ns1 my-service --no-headers | awk '{ sub(/:[0-9]+\//, ":N/", $5); print $1, $2, $4, $5 }'; }
service_is() { [ "$(service_table)" = "$1" ]; }
