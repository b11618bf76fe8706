# The programs a command needs: installed from Debian when root, else named. Services of new packages are not started.

declare -A PACKAGE_OF=(
    [initdb]=postgresql [pgbouncer]=pgbouncer [gobgpd]=gobgpd [curl]=curl [jq]=jq [ss]=iproute2 [ip]=iproute2 [nft]=nftables [iptables]=iptables
    [bird]=bird2 [ping]=iputils-ping [zebra]=frr [nginx]=nginx-light [conntrack]=conntrack [setpriv]=util-linux
    [ps]=procps [ping]=iputils-ping [openssl]=openssl [git]=git [sysctl]=procps [tcpdump]=tcpdump [wrk]=wrk
    [tshark]=tshark [dumpcap]=wireshark-common [python3]=python3 [node]=nodejs [npm]=npm
    [qemu-system-x86_64]=qemu-system-x86 [virtiofsd]=qemu-system-common [busybox]=busybox-static [systemd-analyze]=systemd
)

# Debian keeps some programs out of PATH.
path_of() {
    case $1 in
        initdb) ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1 ;;
        zebra) ls /usr/lib/frr/zebra 2>/dev/null ;;
        virtiofsd) ls /usr/lib/qemu/virtiofsd 2>/dev/null ;;
        *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" ;;
    esac
}

# need COMMAND...: every one of them is there afterwards.
need() {
    local program missing=() packages=()
    for program in "$@"; do
        if [ -z "$(path_of "$program" || true)" ]; then
            missing+=("$program")
            packages+=("${PACKAGE_OF[$program]}")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    is_root || die "Not installed: ${missing[*]}." "As root: apt-get install ${packages[*]}"
    command -v apt-get >/dev/null || die "Not installed: ${missing[*]} (and this is not a Debian with apt-get)." "Install what provides them and run this again."
    with_progress "Installing ${packages[*]}" "$CN2_RUN/log/apt.log" install_packages "${packages[@]}" ||
        die "Debian's packages could not be installed." "Look at $CN2_RUN/log/apt.log, or install by hand: apt-get install ${packages[*]}"
    for program in "${missing[@]}"; do
        [ -n "$(path_of "$program" || true)" ] || die "The package ${PACKAGE_OF[$program]} did not bring \`$program\`." "See $CN2_RUN/log/apt.log."
    done
}

# A policy-rc.d that says no keeps new packages from starting their services; one that is there already stays as it is.
# Where systemd runs, what came new is also not started at the next boot.
install_packages() (
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    apt-get update || echo "apt-get update failed; trying with the lists that are here"
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" || exit 1
    if [ -d /run/systemd/system ]; then
        for package in "$@"; do
            case $package in
                postgresql) systemctl disable postgresql || true ;;
                gobgpd) systemctl disable gobgpd || true ;;
                bird2) systemctl disable bird || true ;;
                frr) systemctl disable frr || true ;;
                nginx-light) systemctl disable nginx || true ;;
                pgbouncer) systemctl disable pgbouncer || true ;;
            esac
        done
    fi
)

need_dotnet() {
    local advice="Get the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0 (global.json says which versions fit)."
    command -v dotnet >/dev/null || die "There is no \`dotnet\` here." "$advice"
    local said
    said=$(dotnet --version 2>&1) || die "This .NET SDK does not fit:" "$(head -n 8 <<<"$said")" "$advice"
    case $said in
        10.*) ;;
        *) die "This is .NET SDK $said, the project is built with 10." "$advice" ;;
    esac
}

# npm_ci FOLDER: what its lock file names. A second try finds what the first has brought in the cache.
npm_ci() {
    env -C "$1" timeout 240 npm ci && return 0
    echo "npm ci did not end well; once more"
    env -C "$1" timeout 240 npm ci
}
