TITLE="The network is up: fabric, nodes, routers, clients, pods"

step() {
    build_topology
    start_routers
    start_pods
    local pod last where
    for entry in $PODS; do
        IFS=: read -r pod where last <<<"$entry"
        within 5 "$pod answers its node" on "$where" curl -fsS --max-time 2 "http://10.233.64.$last/health"
        within 5 "$pod answers its node over IPv6" on "$where" curl -gfsS --max-time 2 "http://[$POD_V6:$last]/health"
    done
    within 5 "compute1 reaches a pod of compute2" on compute1 curl -fsS --max-time 2 http://10.233.64.13/
    good "FRR $(vmx1 'show version' | awk '/^FRRouting/ { print $2 }') as vmx1, BIRD $(bird1 show status | awk '/^BIRD/ { print $2; exit }') as bird1"
    good "pods nginx-1 and nginx-2 on compute1, nginx-3 on compute2; a client behind each router"
}
