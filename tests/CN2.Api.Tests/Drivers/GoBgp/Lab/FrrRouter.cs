using System.Text.Json;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>A real FRR (zebra and bgpd) in a namespace of the lab; the constructor's bgp is the body of its <c>router bgp</c>.</summary>
internal sealed class FrrRouter : IDisposable
{
    private readonly string _directory;
    private readonly RunningProcess _zebra;
    private RunningProcess _bgpd;
    private readonly string[] _start;

    public FrrRouter(BgpLab lab, string name, int host, uint autonomousSystem, string bgp)
    {
        Namespace = lab.AddHost(name, host);
        _directory = Path.Combine(lab.Directory, name);
        Directory.CreateDirectory(_directory);
        File.WriteAllText(Path.Combine(_directory, "zebra.conf"), $"hostname {name}\n");
        File.WriteAllText(Path.Combine(_directory, "bgpd.conf"),
            $"hostname {name}\nrouter bgp {autonomousSystem}\n bgp router-id 172.27.115.{host}\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n{bgp}\n");
        RunningProcess.Run("chown", "-R", "frr:frr", _directory);
        string[] common = ["--vty_socket", _directory, "-z", Path.Combine(_directory, "zserv.api"), "-P", "0", "--log", "stdout"];
        _zebra = new("ip", ["netns", "exec", Namespace, "/usr/lib/frr/zebra", .. common,
            "-i", Path.Combine(_directory, "zebra.pid"), "-f", Path.Combine(_directory, "zebra.conf")]);
        for (var i = 0; i < 200 && !File.Exists(Path.Combine(_directory, "zserv.api")); i++) Thread.Sleep(25);
        _start = ["netns", "exec", Namespace, "/usr/lib/frr/bgpd", .. common,
            "-i", Path.Combine(_directory, "bgpd.pid"), "-f", Path.Combine(_directory, "bgpd.conf")];
        _bgpd = new("ip", _start);
    }

    public string Namespace { get; }

    public string Log => _bgpd.Output;

    public void StopBgpd() => _bgpd.Kill();

    public void StartBgpd()
    {
        _bgpd.Dispose();
        _bgpd = new("ip", _start);
    }

    public string Show(string command) =>
        RunningProcess.TryRun("vtysh", "--vty_socket", _directory, "-c", command).Output;

    /// <summary>The paths FRR has for a prefix, as its JSON gives them; empty when it has none.</summary>
    public List<JsonElement> Paths(string prefix)
    {
        var family = prefix.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4";
        var text = Show($"show bgp {family} unicast {prefix} json");
        if (!text.TrimStart().StartsWith('{')) return [];
        using var document = JsonDocument.Parse(text);
        return document.RootElement.TryGetProperty("paths", out var paths) ? [.. paths.EnumerateArray().Select(p => p.Clone())] : [];
    }

    /// <summary>The VPN paths FRR has for a prefix, by route distinguisher; empty when it has none.</summary>
    public Dictionary<string, JsonElement> VpnPaths(string prefix)
    {
        var text = Show($"show bgp {(prefix.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4")} vpn {prefix} json");
        var paths = new Dictionary<string, JsonElement>();
        if (!text.TrimStart().StartsWith('{')) return paths;
        using var document = JsonDocument.Parse(text);
        foreach (var distinguisher in document.RootElement.EnumerateObject())
            if (distinguisher.Value.ValueKind == JsonValueKind.Object && distinguisher.Value.TryGetProperty("paths", out var found))
                paths[distinguisher.Name] = found[0].Clone();
        return paths;
    }

    /// <summary>How many vpnv4 routes FRR has, stale ones too.</summary>
    public int VpnCount()
    {
        var text = Show("show bgp ipv4 vpn");
        var last = text.LastIndexOf("Displayed", StringComparison.Ordinal);
        return last < 0 ? 0 : int.Parse(text[(last + 9)..].TrimStart().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    public List<string> NextHops(string prefix) =>
        [.. Paths(prefix).Select(p => p.GetProperty("nexthops")[0].GetProperty("ip").GetString()!).Order(StringComparer.Ordinal)];

    /// <summary>The kernel's route, as <c>ip route show</c> prints it.</summary>
    public string Kernel(string prefix) => prefix.Contains(':', StringComparison.Ordinal)
        ? BgpLab.Ip(Namespace, "-6", "route", "show", prefix)
        : BgpLab.Ip(Namespace, "route", "show", prefix);


    public void Dispose()
    {
        _bgpd.Dispose();
        _zebra.Dispose();
    }
}
