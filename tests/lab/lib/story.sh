# Walks the steps in order. A step file sets TITLE and defines `step`; what one step learns (addresses, names) later
# steps find in the same shell. The first failure ends the story: what follows would only repeat it.

PASSED=0
STEP_NAMES=()
STEP_TIMES=()
STEP_RESULTS=()

walk() {
    local file number last
    last=$(basename "${!#}")
    for file in "$@"; do
        unset -f step
        # shellcheck source=/dev/null
        source "$file"
        number=$(basename "$file")
        heading "${number%%-*}/${last%%-*}  $TITLE"
        STEP_BEGAN=$(now_ms)
        STEP_NAMES+=("$TITLE")
        step
        STEP_TIMES+=($(($(now_ms) - STEP_BEGAN)))
        STEP_RESULTS+=(passed)
        PASSED=$((PASSED + 1))
    done
}

# The table at the end. A step that did not finish is the failed one.
summary() {
    local i result failed
    heading "Summary"
    {
        printf 'STEP\tTIME\tRESULT\n'
        for i in "${!STEP_NAMES[@]}"; do
            result=${STEP_RESULTS[i]:-FAILED}
            printf '%s\t%s\t%s\n' "${STEP_NAMES[i]}" "$(seconds "${STEP_TIMES[i]:-$(($(now_ms) - STEP_BEGAN))}")" "$result"
        done
    } | table
    failed=$((${#STEP_NAMES[@]} - PASSED))
    [ ${#STEP_NAMES[@]} -gt 0 ] || failed=1
    say ""
    if [ "$failed" -eq 0 ]; then
        say "${GREEN}${BOLD}$PASSED steps passed, 0 failed${PLAIN}"
    else
        say "${RED}${BOLD}$PASSED steps passed, $failed failed${PLAIN}"
    fi
}
STEP_BEGAN=0
