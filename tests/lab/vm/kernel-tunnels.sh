#!/usr/bin/env bash
# In the virtual machine: the overlay's tests with the kernel's own tunnels, on a kernel that can do MPLS.
set -Eeuo pipefail
for module in mpls_router mpls_iptunnel fou ip_gre ipip veth bridge tun nf_tables nf_conntrack; do modprobe "$module"; done
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
export CN2_TEST_TUNNELS=kernel CN2_TEST_SLOWNESS=20
# The emulation pays most for what .NET does to become fast later.
export DOTNET_TieredPGO=0 DOTNET_EnableWriteXorExecute=0 DOTNET_gcConcurrent=0 DOTNET_TC_CallCountingDelayMs=FFFFFF
uname -sr
bin=artifacts/bin/CN2.VRouter.Tests/release
# Files come slowly the first time, and an agent gives up on a server that it has not reached in time: so it starts once, until it says that it is not connected.
log=$(mktemp)
"$bin/cn2-vrouter" --server http://127.0.0.1:9 --name warm --address 192.0.2.1 --table warm >"$log" 2>&1 &
for ((i = 0; i < 90; i++)); do
  grep -q 'Not connected' "$log" && break
  sleep 1
done
kill "$!"
wait "$!" || true
echo "the agent started within $i s"

# An emulated machine is slow: of the classes that take long, the tests in which the kernel's tunnels differ from the agent's.
status=0
run() { "$bin/CN2.VRouter.Tests" -noColor -maxThreads 1 "$@" || status=1; }
run -method '*.AgentVpnTests.Connections_outlive*'
run -method '*.OverlayEngineTests.A_client*' -method '*.OverlayEngineTests.A_packet*' -method '*.OverlayEngineTests.A_removed*' \
    -method '*.OverlayPlumbingTests.An_agent_that_starts*' -method '*.OverlayTransferTests.A_packet*' -method '*.OverlayTransferTests.The*' \
    -method '*.UplinkTests.A_pod_that*'
exit "$status"
