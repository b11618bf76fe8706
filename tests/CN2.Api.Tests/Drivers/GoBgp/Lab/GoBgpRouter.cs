using System.Text.Json;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>A second gobgpd as external router, with VRFs. It is driven by its own command line, which shares no code with the driver.</summary>
internal sealed class GoBgpRouter(BgpLab lab, string name, int host, uint autonomousSystem) : IDisposable
{
    private readonly GoBgpd _engine = new(lab, name, lab.AddHost(name, host));
    private string[] _families = [];

    public string Address { get; } = $"172.27.115.{host}";

    public string Output => _engine.Output;

    public async Task StartAsync(string[] families, Action<GoBgpRouter>? beforeConnecting = null)
    {
        _families = families;
        await Eventually.TrueAsync(() => File.Exists(_engine.Address[7..]), "router's socket");
        await Eventually.TrueAsync(() => Try("global", "as", $"{autonomousSystem}", "router-id", Address).Code == 0, "router started");
        beforeConnecting?.Invoke(this);
        await ConnectAsync();
    }

    /// <summary>The session with the control node, with graceful restart as a router has it.</summary>
    public async Task ConnectAsync()
    {
        var peer = new Peer
        {
            Conf = new() { NeighborAddress = "172.27.115.241", PeerAsn = Spec.Asn },
            Timers = new() { Config = new() { ConnectRetry = 1, HoldTime = 90, KeepaliveInterval = 30 } },
            GracefulRestart = new() { Enabled = true, RestartTime = 60 },
        };
        foreach (var family in _families)
            peer.AfiSafis.Add(new AfiSafi
            {
                Config = new() { Family = FamilyOf(family), Enabled = true },
                MpGracefulRestart = new() { Config = new() { Enabled = true } },
            });
        await _engine.ByHand.AddPeerAsync(new() { Peer = peer }, cancellationToken: Spec.Token);
    }

    public async Task DisconnectAsync() =>
        await _engine.ByHand.DeletePeerAsync(new() { Address = "172.27.115.241" }, cancellationToken: Spec.Token);

    public void Kill() => _engine.Kill();

    public async Task RestartAsync(Action<GoBgpRouter> beforeConnecting)
    {
        _engine.Start();
        await StartAsync(_families, beforeConnecting);
    }

    /// <summary>A VRF with one target both ways; with route-target negotiated that asks for its routes.</summary>
    public void AddVrf(string vrf, int number, string routeTarget) =>
        Run("vrf", "add", vrf, "rd", $"{Address}:{number}", "rt", "both", routeTarget[7..]);

    public void DeleteVrf(string vrf) => Run("vrf", "del", vrf);

    public void Announce(string vrf, string prefix) => Run(["vrf", vrf, "rib", "add", prefix, .. FamilyOption(prefix)]);

    public void Withdraw(string vrf, string prefix) => Run(["vrf", vrf, "rib", "del", prefix, .. FamilyOption(prefix)]);

    /// <summary>A VPN path as one writes it: <c>10.1.0.0/16 label 100 rd 64512:7 rt 64512:1 encap gre nexthop …</c>.</summary>
    public void AnnounceVpn(string path, bool v6 = false) => Run(["global", "rib", "add", "-a", v6 ? "vpnv6" : "vpnv4", .. path.Split(' ')]);

    public void WithdrawVpn(string path, bool v6 = false) => Run(["global", "rib", "del", "-a", v6 ? "vpnv6" : "vpnv4", .. path.Split(' ')]);

    /// <summary>Many VPN paths at once, past the command line, which takes one at a time.</summary>
    public async Task SendVpnAsync(IEnumerable<BgpPath> paths, bool isWithdraw)
    {
        var mapper = new PathMapper(64512);
        foreach (var batch in paths.Chunk(100))
            await _engine.ByHand.AddPathStreamAsync([.. batch.Select(mapper.Map).Select(p => PathMapper.Encode(new(p.Key, new(p.NextHop, p.Attributes, 0), isWithdraw)))]);
    }

    /// <summary>The prefixes a VRF has, in both families.</summary>
    public List<string> Vrf(string vrf) =>
        [.. new[] { "ipv4", "ipv6" }.SelectMany(f => Keys("vrf", vrf, "rib", "-a", f)).Select(k => k.Split(':', 3)[2]).Order(StringComparer.Ordinal)];

    /// <summary>Everything of a family in its table, as <c>rd:prefix</c>.</summary>
    public List<string> Table(string family) => [.. Keys("global", "rib", "-a", family).Order(StringComparer.Ordinal)];

    public void Dispose() => _engine.Dispose();

    public string Run(params string[] arguments)
    {
        var (code, output) = Try(arguments);
        return code == 0 ? output : throw new InvalidOperationException($"gobgp {string.Join(' ', arguments)}: {output}");
    }

    private List<string> Keys(params string[] arguments)
    {
        var (code, output) = Try(["-j", .. arguments]);
        if (code != 0 || !output.TrimStart().StartsWith('{')) return [];
        using var document = JsonDocument.Parse(output);
        return [.. document.RootElement.EnumerateObject().Select(p => p.Name)];
    }

    private (int Code, string Output) Try(params string[] arguments) => Command.Try("gobgp", ["--target", _engine.Address, .. arguments]);

    private static string[] FamilyOption(string prefix) => ["-a", prefix.Contains(':', StringComparison.Ordinal) ? "ipv6" : "ipv4"];

    private static Family FamilyOf(string name) => name switch
    {
        "inet" => new() { Afi = 1, Safi = 1 },
        "inet6" => new() { Afi = 2, Safi = 1 },
        "inet-vpn" => new() { Afi = 1, Safi = 128 },
        "inet6-vpn" => new() { Afi = 2, Safi = 128 },
        "route-target" => new() { Afi = 1, Safi = 132 },
        _ => throw new ArgumentException(name, nameof(name)),
    };
}
