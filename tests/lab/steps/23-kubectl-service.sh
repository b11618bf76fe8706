TITLE="kubectl: Loadbalancer.yaml; the document's tables, the page, the router's table"

step() {
    type_kubectl apply -f Loadbalancer.yaml
    within 30 "the Service has its address" service_is "my-service LoadBalancer 100.0.0.2 8080:N/TCP"
    type_kubectl wait --for=condition=Ready pod/nginx -n ns1 --timeout=30s
    type_kubectl wait --for=condition=Ready svc/my-service -n ns1 --timeout=30s
    VIP=100.0.0.2

    # The manifest asks for both families, and the lab has a service network of each. The Pod has an IPv4 address alone.
    local prefix=contrail-k8s-kubemanager-cluster1-juniper-local-my-service cluster_ip cluster_ip6 node_port
    cluster_ip=$(kubectl get svc my-service -n ns1 -o 'jsonpath={.spec.clusterIPs[0]}')
    cluster_ip6=$(kubectl get svc my-service -n ns1 -o 'jsonpath={.spec.clusterIPs[1]}')
    node_port=$(kubectl get svc my-service -n ns1 -o 'jsonpath={.spec.ports[0].nodePort}')
    every_kubectl "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE|my-service LoadBalancer $cluster_ip $VIP 8080:$node_port/TCP AGE" get svc -n ns1
    every_kubectl "NAME IPADDRESS INTERFACES PORTMAPPING STATE AGE|$prefix-28b76502 $cluster_ip 1 TCP/8080->80 Success AGE|$prefix-56c80b60 $cluster_ip6 0 TCP/8080->80 Success AGE|$prefix-d7fd4d39 $VIP 1 TCP/8080->80 Success AGE" \
        get fip -n ns1
    type_kubectl get pods -n ns1 -o wide

    local node
    node=$(kubectl get pod nginx -n ns1 -o 'jsonpath={.status.hostIP}')
    forwards_to vmx1 "$VIP/32" "$node"
    show_vmx1_route "$VIP/32"
    page "http://$VIP:8080/"
    contains "curl gets nginx's page" '^<title>Welcome to nginx!</title>$' "$PAGE"
    contains "and the Pod sees the client" "This is nginx, you are $CLIENT<" "$PAGE"
    note "client# curl $VIP:8080"
    indent <<<"$PAGE"

    get /v1/namespaces/ns1/services/my-service
    is_equal "/v1 shows the same Service" "$VIP" "$(field '.status.externalIPs[0]')"
}
