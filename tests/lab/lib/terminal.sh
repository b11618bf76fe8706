# What a person sees. Colours and redrawn lines only on a terminal; in a file or a CI log every line stands for itself.

if [ -t 1 ]; then ON_TERMINAL=yes; else ON_TERMINAL=; fi
if [ -n "$ON_TERMINAL" ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' CYAN=$'\e[36m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' RED='' GREEN='' YELLOW='' CYAN='' PLAIN=''
fi

say() { wipe; printf '%s\n' "$*"; }
note() { wipe; printf '%s  %s%s\n' "$DIM" "$*" "$PLAIN"; }
good() { wipe; printf '%s  ✓%s %s\n' "$GREEN" "$PLAIN" "$*"; }
warn() { wipe; printf '%s  !%s %s\n' "$YELLOW" "$PLAIN" "$*"; }
complain() { wipe; printf '%s✗%s %s\n' "$RED" "$PLAIN" "$*" >&2; }
heading() { wipe; printf '\n%s%s%s\n' "$BOLD$CYAN" "$*" "$PLAIN"; }

# The last words of a command that cannot go on; every argument is a line of its own.
die() {
    complain "$1"
    shift
    local line
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# A line that is drawn over while something is being waited for.
WHEEL=('⠋' '⠙' '⠹' '⠸' '⠼' '⠴' '⠦' '⠧' '⠇' '⠏')
WHEEL_AT=0
spin() {
    [ -n "$ON_TERMINAL" ] || return 0
    WHEEL_AT=$(((WHEEL_AT + 1) % ${#WHEEL[@]}))
    printf '\r\e[2K%s  %s %s%s' "$DIM" "${WHEEL[WHEEL_AT]}" "$*" "$PLAIN"
}
wipe() { [ -z "$ON_TERMINAL" ] || printf '\r\e[2K'; }

# Tab-separated lines on stdin as a table, indented, columns three spaces apart as kubectl prints them.
table() {
    awk -F '\t' '
        { rows[NR] = $0; for (i = 1; i <= NF; i++) if (length($i) > width[i]) width[i] = length($i) }
        END {
            for (r = 1; r <= NR; r++) {
                n = split(rows[r], cell, "\t"); line = "  "
                for (i = 1; i <= n; i++) line = line (i < n ? sprintf("%-" width[i] + 3 "s", cell[i]) : cell[i])
                print line
            }
        }'
}

indent() { sed 's/^/  /'; }

now_ms() { local now=${EPOCHREALTIME/[.,]/}; printf '%s' "${now%???}"; }
seconds() { printf '%d.%d s' $(($1 / 1000)) $((($1 % 1000) / 100)); }

# Runs a long command with its output in a log: `with_progress "Building" build.log dotnet build`. Prints the log's end when it fails.
with_progress() {
    local what=$1 log=$2 began pid status=0
    shift 2
    began=$(now_ms)
    mkdir -p "$(dirname "$log")"
    [ -n "$ON_TERMINAL" ] || note "$what ..."
    "$@" >"$log" 2>&1 &
    pid=$!
    ACTIVE_CHILD=$pid
    while [ -n "$ON_TERMINAL" ] && kill -0 "$pid" 2>/dev/null; do
        spin "$what ($(seconds $(($(now_ms) - began))))"
        sleep 0.2
    done
    wait "$pid" || status=$?
    ACTIVE_CHILD=
    if [ "$status" -eq 0 ]; then
        good "$what ${DIM}($(seconds $(($(now_ms) - began))))${PLAIN}"
    else
        complain "$what: failed with status $status. The end of $log:"
        tail -n 40 "$log" | indent >&2
    fi
    return "$status"
}
ACTIVE_CHILD=
