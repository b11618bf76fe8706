# What an installation gets besides the programs: the systemd units and the bills of materials. `./cn2 test` checks them.

# How exposed a unit may be, by `systemd-analyze security`: 0 is best, 10 worst. The agent needs the network's privileges.
declare -A MOST_EXPOSED=([cn2-api]=2.5 [cn2-gobgpd]=2.5 [cn2-vrouter]=5.0)

check_packaging() {
    local unit program
    need systemd-analyze
    for unit in "${!MOST_EXPOSED[@]}"; do
        one_check "The unit $unit can be loaded" "$TEST_DIR/unit-$unit.log" verify_unit "$unit"
        one_check "The unit $unit is exposed by ${MOST_EXPOSED[$unit]} at most" "$TEST_DIR/exposure-$unit.log" \
            systemd-analyze security --offline=true --no-pager --threshold="$(tr -d . <<<"${MOST_EXPOSED[$unit]}")" "$CN2_ROOT/src/packaging/systemd/$unit.service"
    done
    one_check "Restoring the tool that lists materials" "$TEST_DIR/sbom-tool.log" timeout 300 dotnet tool restore
    for program in CN2.Api CN2.VRouter; do
        one_check "The bill of materials of $program (CycloneDX)" "$TEST_DIR/sbom-$program.log" bill_of_materials "$program"
    done
}

# The programs are not installed where this runs, so they stand for something that is.
verify_unit() {
    local dir=$TEST_DIR/units
    mkdir -p "$dir"
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$CN2_ROOT/src/packaging/systemd/$1.service" >"$dir/$1.service"
    # It only warns of a setting that it does not know.
    systemd-analyze verify --man=no "$dir/$1.service" 2>&1 | tee /dev/stderr | { ! grep -q .; }
}

# bill_of_materials PROJECT: everything that its publication brings, with versions and hashes, as artifacts/sbom/PROJECT.cdx.json.
bill_of_materials() {
    local out=$CN2_ROOT/artifacts/sbom
    dotnet dotnet-CycloneDX "$CN2_ROOT/src/$1/$1.csproj" --disable-package-restore --output "$out" --filename "$1.cdx.json" --output-format Json || return 1
    jq -e '.bomFormat == "CycloneDX" and (.components | length > 3) and all(.components[]; .version and .purl)' "$out/$1.cdx.json"
}
