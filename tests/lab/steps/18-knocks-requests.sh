TITLE="Hard knocks: hostile requests are refused at once, and nobody else waits for them"

step() {
    local faults=$LAB_DIR/faults.json answer began
    began=$(now_ms)
    ask 400 GET "/v1/namespaces?labelSelector=$(printf '!a,%.0s' {1..2600})!a"
    contains "the answer names the limit" "32" "$BODY"
    jq -cn '{name: "hostile", labels: ([range(60000) | {key: "!\(.)", value: ""}] | from_entries)}' >"$faults"
    answer=$(on control curl -sS --max-time 10 -o "$LAB_DIR/faults.answer" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "@$faults" "$API_URL/v1/namespaces")
    is_equal "60,000 bad labels are a bad request" 400 "$answer"
    contains "it lists some faults and counts the others" "more" "$(head -c 100000 "$LAB_DIR/faults.answer")"
    answer=$(head -c 2000000 /dev/zero | on control curl -sS --max-time 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @- "$API_URL/v1/namespaces")
    is_equal "2 MB are too much" 413 "$answer"
    ask 400 GET "/v1/floating-ips?address="
    good "four hostile requests refused in $(seconds $(($(now_ms) - began)))"
    get /readyz
}
