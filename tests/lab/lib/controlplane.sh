# A control node: a private PostgreSQL, gobgpd and CN2.Api. `up` runs one on loopback, the lab one in a namespace.
# Every function takes the directory first; a prefix to run under (ip netns exec ...) stands in the array UNDER.

UNDER=()
TRUST=() # curl's arguments for a server with TLS
AS_POSTGRES=()

postgres_bin() { dirname "$(path_of initdb)"; }

# PostgreSQL refuses to run as root: then everything in DIR/pg belongs to the user postgres.
start_postgres() {
    local dir=$1 bin
    bin=$(postgres_bin)
    mkdir -p "$dir/pg/socket" "$dir/log"
    if is_root; then
        AS_POSTGRES=(setpriv --reuid postgres --regid "$(id -g postgres)" --init-groups)
        chown -R postgres: "$dir/pg"
    fi
    if [ ! -f "$dir/pg/data/PG_VERSION" ]; then
        (cd / && "${AS_POSTGRES[@]}" "$bin/initdb" -D "$dir/pg/data" -U cn2 -A trust -E UTF8 --locale=C.UTF-8 --no-sync) >"$dir/log/initdb.log" 2>&1 ||
            die "initdb failed." "$(tail -n 5 "$dir/log/initdb.log")"
    fi
    start "$dir" postgres "${UNDER[@]}" env -C / "${AS_POSTGRES[@]}" "$bin/postgres" -D "$dir/pg/data" \
        -c listen_addresses= -c unix_socket_permissions=0700 -c "unix_socket_directories=$dir/pg/socket" -c max_connections=200 \
        -c shared_buffers=128MB -c idle_in_transaction_session_timeout=30s -c log_min_messages=warning
    eventually 20 "PostgreSQL" "$bin/pg_isready" -q -h "$dir/pg/socket" -U cn2 -d postgres ||
        die "PostgreSQL does not answer." "$(tail -n 5 "$dir/log/postgres.log")"
    "$bin/psql" -qAt -h "$dir/pg/socket" -U cn2 -d postgres -c "select 1 from pg_database where datname = 'cn2'" | grep -q 1 ||
        "$bin/createdb" -h "$dir/pg/socket" -U cn2 cn2
}

connection_string() { printf 'Host=%s;Username=cn2;Database=cn2' "$1/pg/socket"; }

# gobgpd without a configuration: CN2.Api tells it everything over gRPC.
start_gobgpd() {
    local dir=$1 hosts=$2
    rm -f "$dir/gobgp.sock"
    start "$dir" gobgpd "${UNDER[@]}" "$(path_of gobgpd)" --pprof-disable --api-hosts "$hosts"
}

# api_token DIR NAME: the secret of a new API token that may do everything.
api_token() { env "ConnectionStrings__CN2=$(connection_string "$1")" "$API" token create --name "$2" --role admin 2>>"$1/log/token.log"; }

# start_api DIR URL-TO-ASK SETTING=VALUE...: returns when /readyz says yes.
start_api() {
    local dir=$1 url=$2
    shift 2
    start "$dir" api "${UNDER[@]}" env "ConnectionStrings__CN2=$(connection_string "$dir")" "$@" "$API"
    eventually 90 "CN2.Api" api_is_ready_or_gone "$dir" "$url" || die "CN2.Api is not ready after 90 s." "$(tail -n 12 "$dir/log/api.log")" "All of it: $dir/log/api.log"
    running "$dir" api || die "CN2.Api stopped at once. It said:" "$(tail -n 12 "$dir/log/api.log")"
}

api_is_ready_or_gone() {
    running "$1" api || return 0
    "${UNDER[@]}" curl "${TRUST[@]}" -fsS --max-time 2 "$2/readyz"
}
