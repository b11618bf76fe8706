TITLE="Node port and cluster IP, from any node to any pod"

step() {
    get /v1/namespaces/ns1/services/my-service
    local port cluster node pages
    port=$(field '.ports[0].nodePort')
    cluster=$(field '.status.clusterIPs[0]')
    for node in 172.27.115.242 172.27.115.243; do
        pages=$(pages_of "http://$node:$port/" client 40)
        is_equal "$node:$port reaches the pods of both nodes" "nginx-1 nginx-2 nginx-3" "$(grep -oE 'nginx-[0-9]' <<<"$pages" | sort -u | xargs)"
    done
    pages=$(pages_of "http://$cluster:8080/" nginx-3 40)
    is_equal "the cluster IP answers a pod, itself included" "nginx-1 nginx-2 nginx-3" "$(grep -oE 'nginx-[0-9]' <<<"$pages" | sort -u | xargs)"
    good "node port $port on both nodes, cluster IP $cluster from nginx-3"
}
