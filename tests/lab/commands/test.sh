# `./cn2 test`: everything CI runs. What each stage says, whole, when it has ended; a table; and as the last line `N passed, N failed`.
# Every test, lab step, script and check counts one. A stage that brings no counts has failed. At most ten tests of a project that fail are run again.
# TEST_STAGES="build format CN2.Network.Tests lab" runs only these.

STAGE_NAMES=()
STAGE_PASSED=()
STAGE_FAILED=()
STAGE_TIMES=()
STAGE_WORK=()

cn2_test() {
    [ $# -eq 0 ] || die "\`./cn2 test\` takes no arguments, not $1."
    require_root test
    settle_run_dir
    mkdir -p "$CN2_RUN/log"
    TEST_DIR=$CN2_RUN/test
    rm -rf "$TEST_DIR"
    mkdir -p "$TEST_DIR"
    export CI=true DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
    # Processes that live for seconds or minutes pay more for what .NET does to become fast later than they gain by it.
    export DOTNET_TieredPGO=0 DOTNET_EnableWriteXorExecute=0

    say "${BOLD}CN2.Api test${PLAIN}: what CI runs"
    need_dotnet
    need ip nft iptables sysctl setpriv curl jq initdb pgbouncer gobgpd zebra bird nginx conntrack ps python3 tshark dumpcap qemu-system-x86_64 virtiofsd busybox node npm

    trap 'end_trees "${STAGE_PID[@]}" $ACTIVE_CHILD' EXIT
    stage scripts check_scripts
    stage build check_build
    if [ "${STAGE_FAILED[-1]}" -eq 0 ]; then
        begin_tests
        end_stages
    else
        warn "Nothing else can run without a build"
    fi

    local i passed=0 failed=0
    heading "Summary"
    {
        printf 'STAGE\tPASSED\tFAILED\tTIME\tPROCESSOR\n'
        for i in "${!STAGE_NAMES[@]}"; do
            printf '%s\t%s\t%s\t%s\t%s\n' "${STAGE_NAMES[i]}" "${STAGE_PASSED[i]}" "${STAGE_FAILED[i]}" "$(seconds "${STAGE_TIMES[i]}")" "$(seconds "${STAGE_WORK[i]}")"
        done
    } | table
    for i in "${!STAGE_NAMES[@]}"; do
        passed=$((passed + STAGE_PASSED[i]))
        failed=$((failed + STAGE_FAILED[i]))
    done
    [ $((passed + failed)) -gt 0 ] || failed=1
    failed_once
    [ "$failed" -eq 0 ] || what_failed
    say ""
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] || exit 1
}

# Which stages run at the same time. Most of their time is waiting, so two or three together keep two processors busy. They share no name: namespaces,
# directories and clusters are of their own, and ports are free ones. What measures time has the processors' precedence (NICENESS of the others).
begin_tests() {
    begin_stage CN2.Api.Tests check_project CN2.Api.Tests
    # The virtual machine has one processor. Its own waits are the longest of all.
    NICENESS=5 begin_stage kernel-tunnels check_kernel_tunnels
    NICENESS=19 begin_stage format check_format
    NICENESS=19 AFTER="format" begin_stage packaging check_packaging
    NICENESS=19 AFTER="packaging" begin_stage openapi-clients check_openapi_clients
    AFTER="CN2.Api.Tests" begin_stage CN2.Model.Tests check_project CN2.Model.Tests
    AFTER="CN2.Api.Tests" begin_stage CN2.VRouter.Tests check_project CN2.VRouter.Tests
    AFTER="CN2.VRouter.Tests" begin_stage lab check_lab
    NICENESS=10 AFTER="CN2.Api.Tests kernel-tunnels openapi-clients" begin_stage kubectl check_kubectl
    # The rest computes all the time.
    local project
    for project in tests/*.Tests; do
        project=$(basename "$project")
        [ -n "${STAGE_BEGUN[$project]:-}" ] || AFTER="CN2.Model.Tests lab kubectl" begin_stage "$project" check_project "$project"
    done
}

# stage NAME FUNCTION...: the function leaves its counts in COUNT_PASSED and COUNT_FAILED.
stage() {
    ! left_out "$1" || return 0
    alone_stage "$@" &
    ACTIVE_CHILD=$!
    wait "$ACTIVE_CHILD" || complain "$1 ended with status $?"
    ACTIVE_CHILD=
    book_stage "$1"
}

# Runs a stage in a shell of its own, because the processor time of a shell's children cannot be told apart otherwise.
alone_stage() {
    trap 'end_compiler; [ -z "$ACTIVE_CHILD" ] || kill "$ACTIVE_CHILD" 2>/dev/null || true' EXIT
    trap 'exit 143' TERM
    run_stage "$@"
    printf '%s %s %s %s\n' "$COUNT_PASSED" "$COUNT_FAILED" "$STAGE_TIME" "$PROCESSOR_TIME" >"$TEST_DIR/counts-$1"
}

# begin_stage NAME FUNCTION...: a stage that runs beside others; end_stages waits for all of them and shows what they said. It begins when the stages that
# AFTER names have ended (those that are left out have). NICENESS: how far it steps back behind the others, 0 to 19 as in nice(1).
declare -A STAGE_PID=() STAGE_BEGUN=()
begin_stage() {
    local name=$1
    STAGE_BEGUN[$name]=yes
    ! left_out "$name" || return 0
    (ON_TERMINAL='' later_stage "$@") >"$TEST_DIR/beside-$name.log" 2>&1 &
    STAGE_PID[$name]=$!
    BESIDE_NAMES+=("$name")
}
BESIDE_NAMES=()

later_stage() {
    local before
    for before in ${AFTER:-}; do
        [ -z "${STAGE_PID[$before]:-}" ] || tail -s 0.2 --pid="${STAGE_PID[$before]}" -f /dev/null
    done
    : >"$TEST_DIR/began-$1"
    [ -z "${NICENESS:-}" ] || renice -n "$NICENESS" -p "$BASHPID" >/dev/null
    alone_stage "$@"
}

# Shows each stage whole when it has ended, and meanwhile which of them run.
end_stages() {
    local left=("${BESIDE_NAMES[@]}") going running said='' name
    while [ ${#left[@]} -gt 0 ]; do
        going=() running=''
        for name in "${left[@]}"; do
            if kill -0 "${STAGE_PID[$name]}" 2>/dev/null; then
                going+=("$name")
                [ ! -f "$TEST_DIR/began-$name" ] || running+=", $name"
            else
                show_stage "$name"
            fi
        done
        left=("${going[@]}")
        spin "running: ${running#, }"
        if [ -z "$ON_TERMINAL" ] && [ -n "$running" ] && [ "$running" != "$said" ]; then note "running: ${running#, }"; fi
        said=$running
        sleep 0.3
    done
    BESIDE_NAMES=()
}

show_stage() {
    local name=$1 status=0
    wait "${STAGE_PID[$name]}" || status=$?
    unset "STAGE_PID[$name]"
    wipe
    cat "$TEST_DIR/beside-$name.log"
    [ "$status" -eq 0 ] || complain "$name ended with status $status"
    book_stage "$name"
}

# Ends processes with all that they have started, and waits for them: the lab takes its namespaces down, and tests that run come to their end. Who is still
# there after 20 s is killed. What has a session of its own is left to whoever started it.
end_trees() {
    [ $# -gt 0 ] || return 0
    local all session turn
    trap '' INT TERM HUP
    session=$(ps -o sid= -p $$ | tr -d ' ')
    mapfile -t all < <(ps -s "$session" -o pid=,ppid= | awk -v roots="$*" '
        { parent[$1] = $2 }
        END {
            n = split(roots, root, " "); for (i = 1; i <= n; i++) wanted[root[i]] = 1
            for (pid in parent) for (p = pid; p > 1; p = parent[p]) if (p in wanted) { print pid; break }
        }')
    kill "${all[@]}" 2>/dev/null || true
    for ((turn = 0; turn < 100; turn++)); do
        # Zombies of processes that have no parent any more are nobody's to wait for.
        mapfile -t all < <(ps -o pid=,stat= -p "$(IFS=,; printf '%s' "${all[*]}")" 2>/dev/null | awk '$2 !~ /^Z/ { print $1 }')
        [ ${#all[@]} -gt 0 ] || return 0
        [ "$turn" -gt 0 ] || say "Ending what runs"
        sleep 0.2
    done
    kill -KILL "${all[@]}" 2>/dev/null || true
}

left_out() {
    [ -n "${TEST_STAGES:-}" ] && [[ " $TEST_STAGES " != *" $1 "* ]] || return 1
    STAGE_FAILED+=(0) STAGE_PASSED+=(0) STAGE_TIMES+=(0) STAGE_WORK+=(0) STAGE_NAMES+=("$1 (left out)")
}

run_stage() {
    local name=$1 began
    shift
    heading "$name"
    began=$(now_ms)
    COUNT_PASSED=0
    COUNT_FAILED=0
    WORKED_APART=0
    "$@" || COUNT_FAILED=$((COUNT_FAILED > 0 ? COUNT_FAILED : 1))
    [ $((COUNT_PASSED + COUNT_FAILED)) -gt 0 ] || { complain "$name ran nothing"; COUNT_FAILED=1; }
    STAGE_TIME=$(($(now_ms) - began))
    times >"$TEST_DIR/times-$name"
    # Milliseconds that the children of this shell have worked (its second line is 1m2.345s 0m6.789s), and those of processes that are no children.
    PROCESSOR_TIME=$(awk -v apart="$WORKED_APART" -F '[ms ]+' 'NR == 2 { printf "%d", apart + 1000 * (60 * ($1 + $3) + $2 + $4) }' "$TEST_DIR/times-$name")
    rm "$TEST_DIR/times-$name"
}

# What a stage left behind; nothing: it failed.
book_stage() {
    local passed=0 failed=1 took=0 worked=0
    [ ! -f "$TEST_DIR/counts-$1" ] || read -r passed failed took worked <"$TEST_DIR/counts-$1"
    STAGE_NAMES+=("$1")
    STAGE_PASSED+=("$passed")
    STAGE_FAILED+=("$failed")
    STAGE_TIMES+=("$took")
    STAGE_WORK+=("$worked")
}

check_scripts() {
    local script
    while IFS= read -r script; do
        if bash -n "$script" && { ! command -v shellcheck >/dev/null || shellcheck -x -s bash -S warning -e SC1090,SC1091,SC2034,SC2153,SC2154 "$script"; }; then
            COUNT_PASSED=$((COUNT_PASSED + 1))
        else
            complain "$script"
            COUNT_FAILED=$((COUNT_FAILED + 1))
        fi
    done < <({ printf '%s\n' cn2 .ci/run; find tests/lab -name '*.sh'; } | sort)
    good "$COUNT_PASSED scripts"
}

one_check() {
    if with_progress "$@"; then COUNT_PASSED=$((COUNT_PASSED + 1)); else COUNT_FAILED=$((COUNT_FAILED + 1)); fi
}

# The build enforces the other rules of `dotnet format`, style and analyzers, as errors. White space needs no project, so the files are read as a folder.
check_format() {
    one_check "Looking at the format" "$TEST_DIR/format.log" timeout 600 \
        dotnet format whitespace . --folder --exclude artifacts/ --verify-no-changes
}

# One compiler process for all projects, whatever the environment says: a process for each compiles the compiler and its analyzers anew, which takes as long
# as the rest of its work. It has a name of its own, by which it is ended.
COMPILER=
check_build() {
    COMPILER=cn2-test-$$
    one_check "Restoring, lock files as committed" "$TEST_DIR/restore.log" timeout 600 dotnet restore CN2.Api.sln
    one_check "Building, warnings are errors" "$TEST_DIR/build.log" timeout 600 \
        dotnet build CN2.Api.sln -c Release --no-restore -p:UseSharedCompilation=true -p:SharedCompilationId="$COMPILER"
    end_compiler
    # Now, because the lab runs beside tests that use what is built.
    [ "$COUNT_FAILED" -gt 0 ] || publish
}

end_compiler() {
    local server
    [ -n "$COMPILER" ] || return 0
    for server in $(pgrep -f -- "-pipename:$COMPILER"); do
        WORKED_APART=$((WORKED_APART + $(worked "$server")))
        kill "$server" 2>/dev/null || true
    done
    COMPILER=
}

# Milliseconds of the processors that a process has taken so far.
worked() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk -v hertz="$(getconf CLK_TCK)" '{ ticks = $12 + $13 } END { printf "%d", 1000 * ticks / hertz }'; }

check_project() {
    local name=$1 status=0
    run_project "$name" "$name" || status=$?
    # Tests share the machine with whatever runs on it. One that fails is run again by itself, and the summary names it when it passes then.
    if [ "$status" -ne 0 ] && [ "$COUNT_FAILED" -gt 0 ] && [ "$COUNT_FAILED" -le 10 ]; then
        local failed passed=$COUNT_PASSED count=$COUNT_FAILED filters=() test
        mapfile -t failed < <(failed_tests "$TEST_DIR/$name.trx")
        for test in "${failed[@]}"; do filters+=(--filter-method "${test%%(*}"); done
        if [ "${#filters[@]}" -gt 0 ] && run_project "$name" "$name-again" "${filters[@]}" && [ "$COUNT_PASSED" -ge "$count" ]; then
            status=0
            printf '%s\n' "${failed[@]}" >"$TEST_DIR/failed-once-$name"
            COUNT_PASSED=$((passed + count)) COUNT_FAILED=0
        else
            COUNT_PASSED=$passed COUNT_FAILED=$count
        fi
    fi
    if [ "$status" -ne 0 ] && [ "$COUNT_FAILED" -eq 0 ]; then
        [ "$status" -ne 124 ] || complain "$name did not end within 25 minutes"
        COUNT_FAILED=1
    fi
    [ "$COUNT_FAILED" -eq 0 ] || failed_tests "$TEST_DIR/$name.trx" | sed "s/^/  ${RED}✗${PLAIN} /"
    note "$COUNT_PASSED passed, $COUNT_FAILED failed"
}

# run_project NAME RESULTS [FILTER...]: leaves the counts of the run in COUNT_PASSED and COUNT_FAILED, and its results and log under the name RESULTS.
run_project() {
    local name=$1 results=$2 status=0 counters skipped
    with_progress "Testing $results" "$TEST_DIR/$results.log" timeout -k 15 1500 dotnet test --project "tests/$name" -c Release --no-build \
        --results-directory "$TEST_DIR" --report-xunit-trx --report-xunit-trx-filename "$results.trx" "${@:3}" || status=$?
    # <Counters total=".." executed=".." passed=".." failed=".." ... notExecuted=".." />
    counters=$(grep -o '<Counters [^>]*>' "$TEST_DIR/$results.trx" 2>/dev/null | head -n 1)
    COUNT_PASSED=$(counter passed "$counters")
    skipped=$(($(counter total "$counters") - $(counter executed "$counters")))
    COUNT_FAILED=$(($(counter failed "$counters") + $(counter error "$counters") + $(counter timeout "$counters")))
    if [ "$skipped" -gt 0 ]; then
        complain "$skipped tests were skipped; a missing dependency is a failure here"
        COUNT_FAILED=$((COUNT_FAILED + skipped))
    fi
    [ "$COUNT_FAILED" -eq 0 ] && return "$status" || return 1
}

# The agent's other tunnels need a kernel with MPLS, which not every machine has: a virtual machine brings Debian's.
check_kernel_tunnels() {
    local log=$TEST_DIR/kernel-tunnels.log line status=0
    with_progress "Fetching Debian's kernel" "$TEST_DIR/vm-kernel.log" vm_kernel || return 1
    vm_kernel # what it found, for this shell too
    with_progress "Testing the kernel's tunnels in a virtual machine" "$log" vm_run "$CN2_ROOT/tests/lab/vm/kernel-tunnels.sh" 1500 || status=$?
    # Of each run: CN2.VRouter.Tests  Total: 50, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 99.9s
    while IFS= read -r line; do
        [[ $line =~ Total:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failed:\ ([0-9]+),\ Skipped:\ ([0-9]+) ]] || continue
        COUNT_FAILED=$((COUNT_FAILED + BASH_REMATCH[2] + BASH_REMATCH[3] + BASH_REMATCH[4]))
        COUNT_PASSED=$((COUNT_PASSED + BASH_REMATCH[1] - BASH_REMATCH[3] - BASH_REMATCH[4]))
    done < <(grep -E '^ *CN2.VRouter.Tests +Total: ' "$log")
    [ "$status" -eq 0 ] || [ "$COUNT_FAILED" -gt 0 ] || COUNT_FAILED=1
    note "$COUNT_PASSED passed, $COUNT_FAILED failed"
}

counter() {
    local value
    value=$(grep -o " $1=\"[0-9]*\"" <<<"$2" | grep -o '[0-9]*' || true)
    printf '%s' "${value:-0}"
}

# The names of the tests that failed in a file of results.
failed_tests() {
    [ -f "$1" ] || return 0
    grep -o '<UnitTestResult [^>]*outcome="Failed"[^>]*>' "$1" | grep -o 'testName="[^"]*"' | cut -d'"' -f2 | head -n 40 || true
}

# Tests that failed in the first run of their project and passed when they were run again, with the reason.
failed_once() {
    local file
    for file in "$TEST_DIR"/failed-once-*; do
        [ -f "$file" ] || return 0
        heading "Failed once, and passed when run again: ${file##*/failed-once-}"
        grep -A 12 '^failed ' "$TEST_DIR/${file##*/failed-once-}.log" | head -n 60 | cut -c 1-1500 | indent || cat "$file"
    done
}

# The end of a log is what one gets to see of a run elsewhere: what failed stands there, with its reason.
what_failed() {
    local i log
    for i in "${!STAGE_NAMES[@]}"; do
        [ "${STAGE_FAILED[i]}" -gt 0 ] || continue
        heading "What failed: ${STAGE_NAMES[i]}"
        log=$TEST_DIR/${STAGE_NAMES[i]}.log
        case ${STAGE_NAMES[i]} in
            *.Tests) grep -A 40 '^failed \|The tests hang' "$log" | head -n 120 || tail -n 40 "$log" ;;
            kernel-tunnels) grep -A 25 '\[FAIL\]' "$log" | head -n 120 || tail -n 40 "$log" ;;
            openapi-clients) grep -A 12 '^not ok' "$log" 2>/dev/null | head -n 120 || tail -n 20 "$TEST_DIR"/openapi-*.log ;;
            kubectl) grep -A 40 '^not ok' "$log" 2>/dev/null | head -n 160 || tail -n 40 "$log" ;;
            lab) grep -B 12 -A 12 '^ *✗' "$log" | head -n 120 ;;
            *) tail -n 40 "$log" 2>/dev/null ;;
        esac | cut -c 1-1500 | indent || true
    done
    # Once more by name, because a reader of the end of a log sees this even where the reasons above are long.
    heading "Failed"
    for i in "${!STAGE_NAMES[@]}"; do
        [ "${STAGE_FAILED[i]}" -eq 0 ] || { say "${STAGE_NAMES[i]}: ${STAGE_FAILED[i]}" && failed_tests "$TEST_DIR/${STAGE_NAMES[i]}.trx" | indent; }
    done
    say "Logs and results: $TEST_DIR"
}

check_lab() {
    local log=$TEST_DIR/lab.log line
    # In the background, because a shell that waits for a command of its own hears no signal meanwhile.
    LAB_RUN_DIR=$CN2_RUN/test-lab NO_COLOR=1 timeout -k 30 600 ./cn2 lab >"$log" 2>&1 &
    ACTIVE_CHILD=$!
    wait "$ACTIVE_CHILD" || true
    ACTIVE_CHILD=
    cat "$log"
    line=$(grep -E '^[0-9]+ steps passed, [0-9]+ failed$' "$log" | tail -n 1)
    [[ $line =~ ^([0-9]+)\ steps\ passed,\ ([0-9]+)\ failed$ ]] || return 1
    COUNT_PASSED=${BASH_REMATCH[1]}
    COUNT_FAILED=${BASH_REMATCH[2]}
}
