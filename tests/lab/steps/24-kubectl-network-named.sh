TITLE="kubectl: Loadbalancer-ENS.yaml; the Service names another network and moves to 200.0.0.2"

step() {
    type_kubectl apply -f Loadbalancer-ENS.yaml
    within 30 "the Service has the other address" service_is "my-service LoadBalancer 200.0.0.2 8080:N/TCP"
    type_kubectl get svc -n ns1
    forwards_to vmx1 200.0.0.2/32 "$(kubectl get pod nginx -n ns1 -o 'jsonpath={.status.hostIP}')"
    forwards_to vmx1 "$VIP/32" ""
    page http://200.0.0.2:8080/
    contains "curl gets the page" '^<title>Welcome to nginx!</title>$' "$PAGE"
    show_vmx1_table
}
