TITLE="kubectl: ClusterIP.yaml and NodePort.yaml; the page by the cluster IP and by the port of a node"

step() {
    local cluster_ip
    kubectl delete svc my-service -n ns1 >/dev/null || fail "the Service cannot be deleted"
    type_kubectl apply -f ClusterIP.yaml
    within 20 "the Service is internal" service_is "my-service ClusterIP <none> 80/TCP"
    cluster_ip=$(kubectl get svc my-service -n ns1 -o 'jsonpath={.spec.clusterIP}')
    type_kubectl get svc,ep -n ns1
    within 15 "a node gets the page by the cluster IP" on compute1 curl -fsS --max-time 2 "http://$cluster_ip/"
    is_equal "the router has no route to it" "" "$(kernel_next_hops vmx1 200.0.0.2/32)"

    type_kubectl apply -f NodePort.yaml
    within 20 "the Service has its port" service_is "my-service NodePort <none> 80:N/TCP"
    type_kubectl get svc -n ns1
    contains "the port is the manifest's" '80:30010/TCP' "$SAID"
    local node
    for node in 242 243; do within 15 "the client gets the page at node port 30010" on client curl -fsS --max-time 2 "http://172.27.115.$node:30010/"; done
    good "clients get the page at port 30010 of both nodes"
}
