# Talking to the API, as a user with curl would; the answer's body is in BODY, its status code in CODE.

BODY=
CODE=

# As which caller: curl's arguments. Tokens are in files, because every process sees the arguments of the others.
AS_CALLER=()

become_admin() {
    LAB_TOKEN=$(api_token "$LAB_DIR" lab) || die "There is no API token." "$(tail -n 5 "$LAB_DIR/log/token.log")"
    keep_token lab "$LAB_TOKEN"
    become lab
}

# keep_token NAME SECRET: for `become NAME`.
keep_token() {
    install -m 600 /dev/null "$LAB_DIR/$1.token"
    install -m 600 /dev/null "$LAB_DIR/$1.curl"
    printf '%s' "$2" >"$LAB_DIR/$1.token"
    printf 'cacert = "%s"\nheader = "Authorization: Bearer %s"\n' "$LAB_DIR/ca.pem" "$2" >"$LAB_DIR/$1.curl"
}

# become NAME: who asks from now on. "nobody" has no token.
become() {
    AS_CALLER=("${TRUST[@]}")
    [ "$1" = nobody ] || AS_CALLER=(-K "$LAB_DIR/$1.curl")
}

# call METHOD PATH [JSON]: one request, whatever the answer is.
call() {
    local method=$1 path=$2 json=${3:-} answer
    local -a data=()
    [ -z "$json" ] || data=(-H 'Content-Type: application/json' --data-binary "$json")
    [ "$method" != PATCH ] || data=(-H 'Content-Type: application/merge-patch+json' --data-binary "$json")
    answer=$(on control curl "${AS_CALLER[@]}" -sS --max-time 30 -X "$method" -w '\n%{http_code}' "${data[@]}" "$API_URL$path" 2>&1) || true
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

# What was refused in a step, one line each, for its table.
REFUSALS=()

# refused CODE "what is sent" WORDS CURL-ARGUMENTS...: the answer has that code and these words, and one line of the table.
refused() {
    local code=$1 what=$2 words=$3 answer said
    shift 3
    answer=$(on control curl "${AS_CALLER[@]}" -sS -g --max-time 10 -o "$LAB_DIR/refused" -w '%{http_code}\t%{time_total}' "$@")
    said=$(jq -r '[(.errors // {} | to_entries[] | "\(.key): \(.value[0])"), .detail][0] | if length > 110 then .[:109] + "…" else . end' "$LAB_DIR/refused")
    is_equal "$what is refused" "$code" "${answer%%$'\t'*}"
    contains "the refusal of $what says why" "$words" "$said"
    REFUSALS+=("$what"$'\t'"${answer%???} s"$'\t'"$said")
}

show_refusals() {
    {
        printf 'REQUEST\tANSWER\tTIME\tIT SAYS\n'
        printf '%s\n' "${REFUSALS[@]}"
    } | table
}
