TITLE="Packets: a VM moves to the other node and back under a download and an idle session; both go on"

step() {
    # The pod nginx-2 as the VM: a second cable, to compute2, which is not in use yet.
    wire nginx-2 eth1 compute2 nginx-2
    address compute2 nginx-2 10.233.64.1/32
    ip -n "$LAB-compute2" link set nginx-2 down
    rm -f "$LAB_DIR/moved" "$LAB_DIR/moved-page"
    start "$LAB_DIR" moved-download ip netns exec "$LAB-client" curl -s -o /dev/null --max-time 60 -w 'bytes %{size_download}\n' "http://$PACKETS_VIP:8080/slow"
    # shellcheck disable=SC2016 # for the other shell
    start "$LAB_DIR" moved-idle ip netns exec "$LAB-client" bash -c 'exec 3<>"/dev/tcp/$1/8080"; while [ ! -e "$2/moved" ]; do sleep 0.2; done; printf "GET / HTTP/1.0\r\n\r\n" >&3; cat <&3 >"$2/moved-page"' \
        idle "$PACKETS_VIP" "$LAB_DIR"
    within 10 "both sessions are open" has_sessions 2
    move_vm compute1 172.27.115.242 compute2 172.27.115.243 eth1
    move_vm compute2 172.27.115.243 compute1 172.27.115.242 eth0
    : >"$LAB_DIR/moved"
    within 20 "the idle session brings the page" grep -qs "nginx-2, you are $CLIENT$" "$LAB_DIR/moved-page"
    within 40 "the download ends with all of its bytes" grep -qs "^bytes 1000000$" "$LAB_DIR/log/moved-download.log"
    good "a download of 1 MB and an idle session went on, there and back"
    ip -n "$LAB-nginx-2" link del eth1
}

has_sessions() { [ "$(on client ss -Htn state established "dst $PACKETS_VIP" | wc -l)" -ge "$1" ]; }

# move_vm FROM ADDRESS TO ADDRESS DEVICE: its VirtualMachineInterface is changed while it is between the nodes; DEVICE is its cable to the new one.
move_vm() {
    ip -n "$LAB-$1" link set nginx-2 down
    ask 200 PATCH /v1/namespaces/packets/virtual-machine-interfaces/nginx-2-eth0 "{\"virtualRouter\": \"$3\"}"
    sleep 0.3
    ip -n "$LAB-$3" link set nginx-2 up
    route "$3" 10.233.64.12/32 dev nginx-2
    route nginx-2 default via 10.233.64.1 dev "$5" onlink
    route "$1" 10.233.64.12/32 via "$4"
    forwards_to vmx1 "$PACKETS_VIP/32" "$4"
    note "nginx-2 has moved from $1 to $3"
}
