TITLE="kubectl: the namespace goes with all that is in it; the document's first commands, and its External Network"

# From here on, everything is typed as CN2's document has it, with its manifests unchanged, in its order.
step() {
    start_kubelet
    if kubectl get namespace ns1 >/dev/null; then
        # What the steps before made through /v1: one command at the other door takes it all, in the order that routers need.
        type_kubectl delete namespace ns1 --timeout=60s
        is_equal "no router has a route left" "" "$(kernel_next_hops vmx1 "${VIP:-100.0.0.2}/32")$(kernel_next_hops bird1 200.0.0.2/32)"
        call GET /v1/namespaces/ns1
        is_equal "/v1 says the same" 404 "$CODE"
    fi
    type_kubectl create namespace ns1
    type_kubectl label namespace ns1 ns=ns1

    # `kubectl edit` opens an editor; this one writes what the document says into the spec.
    KUBE_EDITOR=$CN2_ROOT/tests/kubectl/files/selectors.sh type_kubectl edit kubemanager contrail-k8s-kubemanager -n contrail
    get /v1/external-network-selectors/default-external
    is_equal "/v1 has the selector" '{"ns":"ns1"}' "$(field '.namespaceSelector.matchLabels | tojson')"

    type_kubectl apply -f ExternalNet.yaml
    type_kubectl get sn,vn -n ns1
    contains "the network is there" 'vn-external1 .*Success' "$SAID"
}
