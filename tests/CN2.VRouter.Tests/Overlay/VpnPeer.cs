using System.Diagnostics;
using System.Text.Json;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// A router's end of the tunnels: <c>tests/lab/overlay/vpn-peer.py</c> in a namespace. The address behind its device is the client in the
/// VPN. It shares no code with the engine.
/// </summary>
public sealed class VpnPeer : IDisposable
{
    private readonly Process _process;

    public VpnPeer(NetworkNamespace home, string local, uint label, params string[] arguments)
    {
        var start = new ProcessStartInfo("ip", ["netns", "exec", home.Name, "python3", Repository.PathOf("tests", "lab", "overlay", "vpn-peer.py"), "--tun", "vpn0", "--local", local, "--label", $"{label}", .. arguments])
        {
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        if (_process.StandardOutput.ReadLine() != "ready") throw new InvalidOperationException("vpn-peer.py did not start");
    }

    /// <summary>Its counters by the names in the script.</summary>
    public JsonElement Report()
    {
        Command.Run("kill", "-USR1", $"{_process.Id}");
        return JsonDocument.Parse(_process.StandardOutput.ReadLine()!).RootElement;
    }

    public long Count(string name) => Report().GetProperty(name).GetInt64();

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
