TITLE="Overlay: a client in the VPN gets the page through MPLS tunnels, from all pods; RD, label and communities byte by byte"

step() {
    start_vpn_peer
    page "http://150.3.0.2:8080/" client3
    contains "the client in the VPN gets the page" "^Welcome to nginx! This is nginx-[123], you are $CLIENT3$" "$PAGE"
    note "client3# curl 150.3.0.2:8080"
    indent <<<"$PAGE"
    local pages
    pages=$(pages_of "http://150.3.0.2:8080/" client3 60)
    is_equal "60 requests were answered" 60 "$(grep -c "you are $CLIENT3$" <<<"$pages" || true)"
    is_equal "by all pods" "nginx-1 nginx-2 nginx-3" "$(grep -oE 'nginx-[0-9]' <<<"$pages" | sort -u | xargs)"
    page "http://[2001:db8:103::2]:8080/" client3
    contains "over IPv6 too" "you are $CLIENT3_V6$" "$PAGE"
    good "$PAGE"

    local code=0
    on client3 curl -s --connect-timeout 1 http://150.3.0.2:9999/ || code=$?
    is_equal "an unmapped port is refused (curl's code)" 7 "$code"
    code=0
    on client curl -s --connect-timeout 1 http://150.3.0.2:8080/ || code=$?
    [ "$code" -ne 0 ] || fail "a client outside of the VPN reached the FloatingIP"
    good "clients outside of the VPN do not reach it"

    is_equal "replies came by MPLS in UDP, as the route says" "true 0" "$(vpn_peer_counters | jq -r '"\(.rx_udp > 0) \(.rx_gre)"')"
    vmx2_announces 10.97.0.0/24
    within 10 "the route without an encapsulation community arrives" answer_has /v1/namespaces/ns1/external-networks/vn-external3/routes \
        'any(.items[]; .prefix == "10.97.0.0/24" and .encapsulations == [])'
    within 10 "replies now come by MPLS in GRE" replies_by_gre
    vmx2_announces 10.97.0.0/24 mpls-in-udp

    local bytes target=0002fc0000000001 gre=030c000000000002 udp=030c00000000000d node
    bytes=$(captured_bytes)
    contains "route target 64512:1 (RFC 4360)" "$target" "$bytes"
    contains "encapsulation GRE" "$gre" "$bytes"
    contains "encapsulation MPLS in UDP" "$udp" "$bytes"
    for node in f2 f3; do
        # 120 bits: label with bottom of stack (3 bytes), RD type 1 172.27.115.x:n (8 bytes), 150.3.0.2 (4 bytes).
        contains "NLRI of 150.3.0.2 by 172.27.115.$((16#$node))" \
            "78$(printf '%06x' $(((16 + NETWORK3) << 4 | 1)))0001ac1b73$node$(printf '%04x' "$NETWORK3")96030002" "$bytes"
    done
    good "RD type 1, label, route target and both encapsulation communities are on the wire as they should be"
}

replies_by_gre() {
    page "http://150.3.0.2:8080/" client3
    [ "$(vpn_peer_counters | jq .rx_gre)" -gt 0 ]
}
