TITLE="kubectl: RouteLeak; one manifest has a broken quotation mark, and is refused with its place"

step() {
    kubectl delete -f ExternalRouter-VN.yaml --ignore-not-found >/dev/null || fail "the Pod and its network cannot be deleted"
    type_kubectl apply -f RouteLeak-sameRT.yaml
    type_kubectl get net-attach-def,vn -n ns1
    contains "both networks are there" 'vn2 .*Success' "$SAID"
    get /v1/namespaces/ns1/external-networks/vn2
    is_equal "with the target they share" '["target:64512:1"]' "$(field '.routeTargets | tojson')"
    kubectl delete -f RouteLeak-sameRT.yaml >/dev/null || fail "the networks cannot be deleted"

    # The closing quotation mark of the first configuration is a typographic one (U+2019), so the text goes on to the next apostrophe.
    refuse_kubectl 'yaml|YAML' apply -f RouteLeak-RT-Import.yaml
    # With the mark put right it is taken.
    sed "s/’/'/" tests/manifests/RouteLeak-RT-Import.yaml >"$LAB_DIR/RouteLeak-RT-Import.yaml"
    type_kubectl apply -f "$LAB_DIR/RouteLeak-RT-Import.yaml"
    get /v1/namespaces/ns1/external-networks/vn1
    is_equal "vn1 imports the other's" '["target:64512:2"]' "$(field '.importRouteTargets | tojson')"
    type_kubectl get vn -n ns1
}
