TITLE="Clients behind both routers get the page, from all three pods, under their own address"

step() {
    page "http://$VIP:8080/"
    contains "the client gets the page" "^Welcome to nginx! This is nginx-[123], you are $CLIENT$" "$PAGE"
    note "client# curl $VIP:8080"
    indent <<<"$PAGE"
    local pages
    pages=$(pages_of "http://$VIP:8080/" client 60)
    is_equal "60 requests were answered" 60 "$(grep -c "you are $CLIENT$" <<<"$pages" || true)"
    is_equal "by all pods" "nginx-1 nginx-2 nginx-3" "$(grep -oE 'nginx-[0-9]' <<<"$pages" | sort -u | xargs)"
    note "60 requests, by pod"
    grep -oE 'nginx-[0-9]' <<<"$pages" | sort | uniq -c | awk '{ print $2 "\t" $1 }' | table

    page "http://$VIP:8080/" client2
    contains "the client behind BIRD gets it too" "you are 10\.98\.0\.2$" "$PAGE"
    good "the client behind bird1: $PAGE"

    # A port nobody mapped is refused at once, not routed back.
    local code=0
    on client curl -s --connect-timeout 1 "http://$VIP:9999/" || code=$?
    is_equal "an unmapped port is refused (curl's code)" 7 "$code"
}
