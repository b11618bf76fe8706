# The OpenAPI document as its readers use it: two linters, and a TypeScript client that is generated from it and uses a real server.
# `./cn2 test` runs it; tests/generated-clients has the programs.

check_openapi_clients() {
    local log=$TEST_DIR/openapi-clients.log status=0 stories=0 line
    one_check "Installing the linters and generators" "$TEST_DIR/openapi-install.log" npm_ci "$CN2_ROOT/tests/generated-clients"
    [ "$COUNT_FAILED" -eq 0 ] || return 1
    one_check "Linting the document with Spectral" "$TEST_DIR/openapi-spectral.log" in_clients npm run lint:spectral
    one_check "Linting the document with Redocly" "$TEST_DIR/openapi-redocly.log" in_clients npm run lint:redocly
    one_check "Generating the types of a client" "$TEST_DIR/openapi-generate.log" in_clients npm run generate
    one_check "Compiling the client, strict" "$TEST_DIR/openapi-compile.log" in_clients npm run compile
    [ "$COUNT_FAILED" -eq 0 ] || return 1

    with_progress "Using the client" "$log" use_clients || status=$?
    # Of each run: "# pass 16", "# fail 0", "# cancelled 0", "# skipped 0", "# todo 0"
    while IFS= read -r line; do
        [[ $line =~ ^#\ (pass|fail|cancelled|skipped|todo)\ ([0-9]+)$ ]] || continue
        if [ "${BASH_REMATCH[1]}" = pass ]; then
            COUNT_PASSED=$((COUNT_PASSED + BASH_REMATCH[2]))
            stories=$((stories + 1))
        else
            COUNT_FAILED=$((COUNT_FAILED + BASH_REMATCH[2]))
        fi
    done <"$log"
    if [ "$COUNT_FAILED" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$stories" -ne 2 ]; }; then COUNT_FAILED=1; fi
    note "$COUNT_PASSED passed, $COUNT_FAILED failed"
}

in_clients() { env -C "$CN2_ROOT/tests/generated-clients" "$@"; }

# A server with an empty database, for the story of README.md first (which removes what it made), then for the examples.
use_clients() (
    dir=$CN2_RUN/clients
    API=$CN2_ROOT/artifacts/bin/CN2.Api/release/CN2.Api
    port=28080
    status=0
    stop_all "$dir"
    rm -rf "$dir"
    mkdir -p "$dir"
    trap 'stop_all "$dir"; rm -rf "$dir"' EXIT
    while ! port_is_free $port || ! port_is_free $((port + 1)); do port=$((port + 2)); done
    start_postgres "$dir"
    start_api "$dir" "http://127.0.0.1:$port" Bgp__Engine=none ControlNode__Name=control Auth__Mode=none Agents__Mode=none Http__Url="http://127.0.0.1:$port" Grpc__Url="http://127.0.0.1:$((port + 1))"
    # The document's examples declare a control node dead, which must be gone for that.
    "$(postgres_bin)/psql" -qAt -v ON_ERROR_STOP=1 -h "$dir/pg/socket" -U cn2 -d cn2 \
        -c "INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('control9', now() - interval '1 hour', 120, '{}')"
    for story in story examples; do
        in_clients env CN2_API="http://127.0.0.1:$port" timeout 120 node --test --test-reporter=tap "generated/src/$story.test.js" || status=1
    done
    exit $status
)
