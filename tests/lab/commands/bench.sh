# `./cn2 bench [scenario ...] [option ...]`: the measurements, written to bench/RESULTS.md when all of them ran.

cn2_bench() {
    require_root bench
    settle_run_dir
    need ip nft sysctl setpriv initdb gobgpd zebra nginx wrk
    publish
    need_dotnet
    with_progress "Building the bench" "$CN2_RUN/log/build-bench.log" dotnet build bench/CN2.Bench -c Release ||
        die "The bench does not build." "All of it: $CN2_RUN/log/build-bench.log"
    local output=()
    [[ " $* " =~ \ (--output|[abcde])\  ]] || output=(--output bench/RESULTS.md)
    artifacts/bin/CN2.Bench/release/CN2.Bench "$@" "${output[@]}"
}
