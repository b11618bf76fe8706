# Talking to the API, as a user with curl would; the answer's body is in BODY, its status code in CODE.

BODY=
CODE=

# As which caller: the lab's API token, in a file, because every process sees the arguments of the others.
AS_ADMIN=()

become_admin() {
    LAB_TOKEN=$(api_token "$LAB_DIR" lab) || die "There is no API token." "$(tail -n 5 "$LAB_DIR/log/token.log")"
    install -m 600 /dev/null "$LAB_DIR/token"
    install -m 600 /dev/null "$LAB_DIR/token.curl"
    printf '%s' "$LAB_TOKEN" >"$LAB_DIR/token"
    printf 'header = "Authorization: Bearer %s"\n' "$LAB_TOKEN" >"$LAB_DIR/token.curl"
    AS_ADMIN=(-K "$LAB_DIR/token.curl")
}

# call METHOD PATH [JSON]: one request, whatever the answer is.
call() {
    local method=$1 path=$2 json=${3:-} answer
    local -a data=()
    [ -z "$json" ] || data=(-H 'Content-Type: application/json' --data-binary "$json")
    [ "$method" != PATCH ] || data=(-H 'Content-Type: application/merge-patch+json' --data-binary "$json")
    answer=$(on control curl "${AS_ADMIN[@]}" -sS --max-time 30 -X "$method" -w '\n%{http_code}' "${data[@]}" "$API_URL$path" 2>&1) || true
    CODE=${answer##*$'\n'}
    BODY=${answer%$'\n'*}
}

# ask CODES METHOD PATH [JSON]: fails the step when the answer has another status; CODES may be "200|204".
ask() {
    local wanted=$1
    shift
    call "$@"
    [[ "|$wanted|" == *"|$CODE|"* ]] ||
        fail "$1 $2 answered $CODE instead of ${wanted//|/ or }" "${3:+sent: $3}" "got:  $BODY"
}

get() { ask 200 GET "$1"; }

# field JQ: a value out of the last answer.
field() { jq -r "$1" <<<"$BODY" 2>/dev/null || printf 'no JSON'; }

# answer_has PATH JQ: true when the expression is true of what is there now.
answer_has() {
    call GET "$1"
    [ "$CODE" = 200 ] && jq -e "$2" <<<"$BODY" >/dev/null 2>&1
}

is_gone() {
    call GET "$1"
    [ "$CODE" = 404 ]
}

condition_is_true() { answer_has "$1" "any(.status.conditions[]; .type == \"$2\" and .status == \"True\")"; }

# await SECONDS PATH JQ "sentence": waits until the expression holds, else fails with what the API says at the end.
await() {
    eventually "$1" "$4" answer_has "$2" "$3" && return 0
    call GET "$2"
    fail "$4: not within $1 s" "asked:  GET $2" "wanted: $3" "got:    $BODY"
}

await_ready() { await 30 "$1" 'any(.status.conditions[]; .type == "Ready" and .status == "True")' "$1 is Ready"; }
