# What a step may claim. A claim that does not hold ends the story with a diagnosis.

FAILED=

# fail "what" [line...]: empty lines are left out.
fail() {
    FAILED=$1
    wipe
    printf '\n%s✗ %s%s\n' "$RED$BOLD" "$1" "$PLAIN"
    shift
    local line
    for line in "$@"; do [ -z "$line" ] || printf '%s\n' "$line" | cut -c1-2000 | indent; done
    exit 1
}

is_equal() { [ "$2" = "$3" ] || fail "$1" "expected: $2" "found:    $3"; }
contains() { grep -qE -- "$2" <<<"$3" || fail "$1" "expected to find: $2" "in: $3"; }

# within SECONDS "sentence" COMMAND...: like eventually, but it must come true.
within() { eventually "$@" || fail "$2: not within $1 s"; }

# forwards_to NODE PREFIX "NEXTHOPS": within 15 s (or FORWARD_WITHIN) the router's kernel has exactly these next hops.
forwards_to() {
    eventually "${FORWARD_WITHIN:-15}" "$1 forwards $2 to ${3:-no next hop}" kernel_route_is "$1" "$2" "$3" ||
        fail "$1 does not forward $2 as it should" "expected next hops: ${3:-none}" "found:              $(kernel_next_hops "$1" "$2")"
}
