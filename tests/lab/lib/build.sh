# The two programs, published once: again only when a source file is newer than what is there.

API_DIR=$CN2_ROOT/artifacts/publish/CN2.Api/release
VROUTER_DIR=$CN2_ROOT/artifacts/publish/CN2.VRouter/release
API=$API_DIR/CN2.Api
VROUTER=$VROUTER_DIR/cn2-vrouter

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

published_is_current() {
    local stamp=$CN2_ROOT/artifacts/publish/.cn2-stamp
    [ -x "$API" ] && [ -x "$VROUTER" ] && [ -f "$stamp" ] &&
        [ -z "$(find src migrations Directory.Build.props Directory.Packages.props global.json -newer "$stamp" -type f -print -quit)" ]
}

publish() {
    if published_is_current; then
        good "CN2.Api and cn2-vrouter are built"
        return 0
    fi
    need_dotnet
    local stamp=$CN2_ROOT/artifacts/publish/.cn2-stamp began=$CN2_RUN/log/build-began
    mkdir -p "$CN2_RUN/log" && : >"$began"
    with_progress "Building CN2.Api" "$CN2_RUN/log/build-api.log" dotnet publish src/CN2.Api -c Release ||
        die "CN2.Api does not build." "All of it: $CN2_RUN/log/build-api.log"
    with_progress "Building cn2-vrouter" "$CN2_RUN/log/build-vrouter.log" dotnet publish src/CN2.VRouter -c Release ||
        die "cn2-vrouter does not build." "All of it: $CN2_RUN/log/build-vrouter.log"
    mkdir -p "$(dirname "$stamp")" && mv "$began" "$stamp"
}

# The same as a release has them: for this machine's processor, with machine code, which takes a minute more. The bench measures these.
publish_release() {
    need_dotnet
    mkdir -p "$CN2_RUN/log"
    local project arch
    arch=$(dpkg --print-architecture)
    for project in CN2.Api CN2.VRouter; do
        with_progress "Building $project for release" "$CN2_RUN/log/build-release-$project.log" \
            dotnet publish "src/$project" -c Release -a "$arch" --no-self-contained -o "artifacts/publish/$project/native" ||
            die "$project does not build." "All of it: $CN2_RUN/log/build-release-$project.log"
    done
}
