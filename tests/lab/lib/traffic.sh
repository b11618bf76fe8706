# A client that asks for the page again and again, each time over a new connection, and writes down every answer:
#   <start, ms> <end, ms> <curl's exit code> <HTTP status> <pod>
# Several steps look at that record afterwards. A request is lost when it fails; TCP may send its first packet again (after
# one second), such a request is late, and worth a warning.

# traffic_begins NAME NODE URL: keeps asking in the background, about ten times a second.
traffic_begins() {
    local file=$LAB_DIR/traffic/$1
    mkdir -p "$LAB_DIR/traffic"
    : >"$file"
    start "$LAB_DIR" "traffic-$1" ip netns exec "$LAB-$2" bash -c '
        stamp() { now=${EPOCHREALTIME/[.,]/}; now=${now%???}; }
        while true; do
            stamp; began=$now; status=0
            answer=$(curl -s -g --connect-timeout 2.5 --max-time 4 -w "\n%{http_code}" "$1") || status=$?
            stamp; pod=${answer#*This is }; pod=${pod%%,*}
            [ "$status" -eq 0 ] || pod=-
            printf "%s %s %s %s %s\n" "$began" "$now" "$status" "${answer##*$'"'\n'"'}" "$pod" >>"$2"
            sleep 0.08
        done' traffic "$3" "$file"
}

traffic_ends() { stop "$LAB_DIR" "traffic-$1" TERM 3; }

traffic_count() { wc -l <"$LAB_DIR/traffic/$1"; }

at_least_requests() { [ "$(traffic_count "$1")" -ge "$2" ]; }

# traffic_goes_on NAME COUNT SECONDS: waits until the client has made so many more requests.
traffic_goes_on() { within "$3" "$2 more requests of the client" at_least_requests "$1" $(($(traffic_count "$1") + $2)); }

clock_is_past() { [ "$(now_ms)" -gt "$1" ]; }

# Requests that began at or after a moment (ms) and did not bring the page.
traffic_lost_since() { awk -v since="$2" '$1 >= since && ($3 != 0 || $4 != 200)' "$LAB_DIR/traffic/$1"; }

# When the last failed request ended (ms); 0 when none failed.
traffic_last_loss() { awk '($3 != 0 || $4 != 200) { last = $2 } END { print (last == "" ? 0 : last "") }' "$LAB_DIR/traffic/$1"; }

# Pods that answered requests which began at or after a moment, sorted, one line.
traffic_pods_since() { awk -v since="$2" '$1 >= since && $3 == 0 { print $5 }' "$LAB_DIR/traffic/$1" | sort -u | xargs; }

# No request of the whole record may have failed.
nothing_was_lost() {
    local lost total late
    lost=$(traffic_lost_since "$1" 0)
    total=$(traffic_count "$1")
    [ "$total" -ge "${2:-10}" ] || fail "the client made only $total requests"
    [ -z "$lost" ] || fail "$(wc -l <<<"$lost") of $total requests were lost (start, end, curl's code, HTTP, pod)" "$(head -n 5 <<<"$lost")"
    late=$(awk '$2 - $1 > 900' "$LAB_DIR/traffic/$1" | wc -l)
    [ "$late" -eq 0 ] || warn "$late of $total requests took longer than 0.9 s"
    good "$total requests meanwhile, none lost"
}

# page URL [NODE]: the page once, into PAGE.
PAGE=
page() { PAGE=$(on "${2:-client}" curl -sS -g --connect-timeout 2 --max-time 4 "$1" 2>&1); }

# pages_of URL NODE COUNT: how many of COUNT new connections each pod answered.
pages_of() {
    on "$2" bash -c 'for ((i = 0; i < $2; i++)); do curl -s -g --connect-timeout 2 --max-time 4 "$1" || echo "no answer"; done' pages "$1" "$3"
}
