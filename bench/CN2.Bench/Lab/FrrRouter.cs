using System.Text.Json;

namespace CN2.Bench.Lab;

/// <summary>FRR (zebra and bgpd) in a namespace on the fabric, as the lab's vmx1: one iBGP session to the control node.</summary>
internal sealed class FrrRouter : IDisposable
{
    private readonly string _directory;
    private readonly RunningProcess _zebra;
    private readonly RunningProcess _bgpd;

    public FrrRouter(PrivateNetwork network, string ns)
    {
        _directory = Path.Combine(network.Directory, "vmx1");
        Directory.CreateDirectory(_directory);
        File.WriteAllText(Path.Combine(_directory, "zebra.conf"), "hostname vmx1\n");
        File.WriteAllText(Path.Combine(_directory, "bgpd.conf"),
            """
            frr defaults traditional
            hostname vmx1
            router bgp 64512
             bgp router-id 172.27.115.245
             no bgp default ipv4-unicast
             neighbor 172.27.115.241 remote-as 64512
             neighbor 172.27.115.241 timers connect 1
             address-family ipv4 unicast
              neighbor 172.27.115.241 activate
              maximum-paths ibgp 16
             exit-address-family

            """);
        RunningProcess.Run("chown", "-R", "frr:frr", _directory);
        string[] common = ["--vty_socket", _directory, "-z", Path.Combine(_directory, "zserv.api"), "-P", "0"];
        _zebra = new RunningProcess(Path.Combine(network.Directory, "zebra.log"), "ip", ["netns", "exec", ns, "/usr/lib/frr/zebra", .. common,
            "-i", Path.Combine(_directory, "zebra.pid"), "-f", Path.Combine(_directory, "zebra.conf")]);
        Deadline.UntilAsync("zebra", () => File.Exists(Path.Combine(_directory, "zserv.api"))).Wait();
        _bgpd = new RunningProcess(Path.Combine(network.Directory, "bgpd.log"), "ip", ["netns", "exec", ns, "/usr/lib/frr/bgpd", .. common,
            "-i", Path.Combine(_directory, "bgpd.pid"), "-f", Path.Combine(_directory, "bgpd.conf")]);
    }

    /// <summary>How often the session to the control node has been Established, and whether it now is and its End-of-RIB has come.</summary>
    public (int Established, bool Complete) Session()
    {
        var text = RunningProcess.TryRun("vtysh", "--vty_socket", _directory, "-c", "show bgp neighbors 172.27.115.241 json").Output;
        if (!text.TrimStart().StartsWith('{')) return (0, false);
        using var document = JsonDocument.Parse(text);
        if (!document.RootElement.TryGetProperty("172.27.115.241", out var peer)) return (0, false);
        var established = peer.TryGetProperty("connectionsEstablished", out var count) ? count.GetInt32() : 0;
        var complete = peer.GetProperty("bgpState").GetString() == "Established"
            && peer.TryGetProperty("gracefulRestartInfo", out var restart) && restart.TryGetProperty("endOfRibRecv", out var end)
            && end.TryGetProperty("ipv4Unicast", out var v4) && v4.GetBoolean();
        return (established, complete);
    }

    public void Dispose()
    {
        _bgpd.Dispose();
        _zebra.Dispose();
    }
}
