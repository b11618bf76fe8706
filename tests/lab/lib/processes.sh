# Where running things keep their state, and how processes are started, watched and ended. A process is known by its
# pid and its start time, so that a pid used again by somebody else is never touched.

CN2_HTTP_PORT=${CN2_HTTP_PORT:-8080}
CN2_GRPC_PORT=${CN2_GRPC_PORT:-8081}
CN2_KUBERNETES_PORT=${CN2_KUBERNETES_PORT:-8082}
CN2_RUN=${CN2_RUN_DIR:-$CN2_ROOT/.cn2}

is_root() { [ "$(id -u)" -eq 0 ]; }

require_root() {
    is_root || die "\`./cn2 $1\` makes network namespaces and needs root." "Try: sudo ./cn2 $1"
}

# PostgreSQL and FRR run as users of their own: they must be able to walk to the run directory, and the path of a
# unix socket in it must fit 107 characters. A clone under a closed home directory keeps its state in /var/lib.
settle_run_dir() {
    [ -z "${RUN_DIR_SETTLED:-}" ] || return 0
    RUN_DIR_SETTLED=yes
    mkdir -p "$CN2_RUN"
    CN2_RUN=$(cd "$CN2_RUN" && pwd)
    local reachable=yes
    if is_root; then
        local name
        for name in postgres frr; do
            id "$name" >/dev/null 2>&1 || continue
            setpriv --reuid "$name" --regid "$(id -g "$name")" --clear-groups test -x "$CN2_RUN" || reachable=
        done
    fi
    if [ -z "$reachable" ] || [ ${#CN2_RUN} -gt 70 ]; then
        [ -z "${CN2_RUN_DIR:-}" ] || die "CN2_RUN_DIR=$CN2_RUN_DIR cannot be used: it is too long for a unix socket, or the user postgres cannot reach it." \
            "Choose a short path whose directories others may enter, for example /var/tmp/cn2."
        CN2_RUN=$(is_root && echo /var/lib || echo /var/tmp)/cn2-$(printf '%s' "$CN2_ROOT" | cksum | cut -d' ' -f1)
        mkdir -p "$CN2_RUN"
    fi
}

# The kernel's start time of a process, empty when there is none. The command name may hold spaces and brackets.
start_time() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20 || true; }

# start DIR NAME COMMAND...: in the background and in its own session; output in DIR/log/NAME.log, pid in DIR/pids/NAME.
start() {
    local dir=$1 name=$2 pid
    shift 2
    mkdir -p "$dir/log" "$dir/pids"
    printf '%s %s\n' "--- started $(date -u +%FT%TZ):" "$*" >>"$dir/log/$name.log"
    setsid "$@" >>"$dir/log/$name.log" 2>&1 </dev/null &
    pid=$!
    disown "$pid"
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$dir/pids/$name"
}

# Notes a daemon that went to the background by itself and wrote its pid to a file.
adopt() {
    local dir=$1 name=$2 pid
    pid=$(<"$3")
    mkdir -p "$dir/pids"
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$dir/pids/$name"
}

# The pid of a recorded process that is still alive; status 1 when it is gone.
pid_of() {
    local pid began
    [ -f "$1/pids/$2" ] || return 1
    read -r pid began <"$1/pids/$2" || return 1
    [ -n "$pid" ] && [ "$(start_time "$pid")" = "$began" ] || return 1
    [ "$(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" != Z ] || return 1
    printf '%s' "$pid"
}

running() { pid_of "$1" "$2" >/dev/null; }

# stop DIR NAME [SIGNAL] [SECONDS]: asks, waits, then insists.
stop() {
    local dir=$1 name=$2 signal=${3:-TERM} patience=${4:-8} pid turn
    if pid=$(pid_of "$dir" "$name"); then
        kill "-$signal" "$pid" 2>/dev/null || true
        for ((turn = 0; turn < patience * 20; turn++)); do
            running "$dir" "$name" || break
            sleep 0.05
        done
        ! running "$dir" "$name" || kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$dir/pids/$name"
}

stop_all() {
    local dir=$1 name signal
    [ -d "$dir/pids" ] || return 0
    # Newest first: what was started later leans on what was started before.
    while IFS= read -r name; do
        signal=TERM
        # For PostgreSQL TERM means: when the last client has gone. INT means: now, and cleanly.
        [ "$name" != postgres ] || signal=INT
        stop "$dir" "$name" "$signal"
    done < <(ls -t "$dir/pids" 2>/dev/null)
}

# eventually SECONDS "what is awaited" COMMAND...: polls until the command succeeds. Status 1 when the time is over.
eventually() {
    local patience=$1 what=$2 began now
    shift 2
    began=$(now_ms)
    while true; do
        if "$@" >/dev/null 2>&1; then
            wipe
            return 0
        fi
        now=$(now_ms)
        if [ $((now - began)) -gt $((patience * 1000)) ]; then
            wipe
            return 1
        fi
        spin "$what ($(seconds $((now - began))))"
        sleep 0.1
    done
}

port_is_free() { ! ss -Hltn "sport = :$1" | grep -q .; }
