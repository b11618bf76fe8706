# `./cn2 bench`: all the measurements, written to bench/RESULTS.md. `./cn2 bench [scenario ...] [option ...]`: some of them, only shown
# (`./cn2 bench --help` lists them).

cn2_bench() {
    require_root bench
    export CN2_BENCH_LOAD
    CN2_BENCH_LOAD=$(cut -d' ' -f1-3 /proc/loadavg)
    settle_run_dir
    need ip nft sysctl setpriv initdb gobgpd zebra nginx wrk
    publish_release
    with_progress "Building the bench" "$CN2_RUN/log/build-bench.log" dotnet build bench/CN2.Bench -c Release ||
        die "The bench does not build." "All of it: $CN2_RUN/log/build-bench.log"
    [ $# -gt 0 ] || set -- --output bench/RESULTS.md
    # In place of this shell: it clears up behind itself, and signals must reach it.
    exec artifacts/bin/CN2.Bench/release/CN2.Bench "$@"
}
