TITLE="kubectl: ExternalRouter.yaml, and a Pod in a network of the fabric and of a VPN"

step() {
    # The manifest's router has the address 1.1.1.1, which vmx1 has as well.
    address vmx1 lo 1.1.1.1/32
    local before
    get /v1/bgp-routers/vmx1
    before=$(field '.status.sessions[0].since')
    type_kubectl apply -f ExternalRouter.yaml
    # Its session at the address before is shown until the engine has ended it.
    await 40 /v1/bgp-routers/vmx1 ".address == \"1.1.1.1\" and any(.status.sessions[]; .state == \"Established\" and .since != \"$before\")" "vmx1 is Established at 1.1.1.1"
    every_kubectl "NAME TYPE IDENTIFIER STATE AGE|vmx1 router 1.1.1.1 Success AGE" get bgprouters -n contrail vmx1

    local manifest
    for manifest in ExternalRouter-FabricForwarding.yaml ExternalRouter-VN.yaml; do
        type_kubectl apply -f "$manifest"
        type_kubectl wait --for=condition=Ready pod/centos1 -n ns1 --timeout=30s
        type_kubectl get vn,ri,pods -n ns1
        contains "the network is there" 'vn1 .*Success' "$SAID"
    done
    get /v1/namespaces/ns1/external-networks/vn1
    is_equal "the network is in the VPN now" '[false,["target:64512:1"]]' "$(field '[.fabricForwarding, .routeTargets] | tojson')"
    contains "the routing instance shows its target" 'target:64512:1' "$(kubectl get ri -n ns1)"
}
