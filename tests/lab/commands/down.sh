# `./cn2 down [--purge]`: stops what `up` started and takes a kept lab away. Only processes and namespaces of this clone.

cn2_down() {
    local purge=
    case ${1:-} in
        '') ;;
        --purge) purge=yes ;;
        *) die "\`./cn2 down\` knows --purge, not $1." ;;
    esac
    settle_run_dir
    local found=
    UP_DIR=$CN2_RUN/up
    if [ -n "$(ls "$UP_DIR/pids" 2>/dev/null)" ]; then
        found=yes
        may_signal "$UP_DIR"
        stop_all "$UP_DIR"
        good "The API, gobgpd and PostgreSQL are stopped$([ -n "$purge" ] || printf '; the data is kept (--purge forgets it)')"
    fi
    if [ -n "$purge" ] && [ -d "$UP_DIR" ]; then
        found=yes
        rm -rf "$UP_DIR"
        good "The data is gone"
    fi
    # shellcheck source=/dev/null
    source tests/lab/commands/lab.sh
    for LAB_DIR in "$CN2_RUN/lab" "$CN2_RUN/test-lab"; do
        [ -f "$LAB_DIR/name" ] || continue
        found=yes
        is_root || die "A lab is running; taking it down needs root." "Try: sudo ./cn2 down"
        local owner began
        read -r owner began <"$LAB_DIR/owner" || true
        if [ ! -f "$LAB_DIR/kept" ] && [ "$(start_time "$owner")" = "$began" ]; then
            die "A lab is walking its story right now (pid $owner)." "Stop it with ^C where it runs."
        fi
        take_lab_down
        good "The lab is gone"
    done
    if [ -n "$purge" ]; then
        rm -rf "$CN2_RUN/log"
        rmdir "$CN2_RUN" 2>/dev/null || true
    fi
    [ -n "$found" ] || say "Nothing of this clone is running."
}

# Processes of another user cannot be stopped; say so instead of failing half way.
may_signal() {
    local file pid
    for file in "$1"/pids/*; do
        pid=$(pid_of "$1" "$(basename "$file")") || continue
        kill -0 "$pid" 2>/dev/null || die "Process $pid belongs to another user." "Try: sudo ./cn2 down"
    done
}
