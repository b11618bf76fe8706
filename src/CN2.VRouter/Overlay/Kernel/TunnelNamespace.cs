using System.Globalization;
using System.Text.Json;
using CN2.Network.Addressing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>
/// The network namespace that holds a node's MPLS: tunnel devices, labels, and routes that push labels. It separates them from other MPLS of
/// the node, and from connection tracking. Outer packets stay in the node's namespace, because a tunnel device sends and receives where it
/// was made. The namespace stays when the agent ends, and packets continue to flow.
/// </summary>
internal sealed class TunnelNamespace
{
    /// <summary>The protocol of the agent's routes and rules, as in the node's namespace.</summary>
    public static readonly string Protocol = OverlayNumbers.RouteProtocol.ToString(CultureInfo.InvariantCulture);

    private TunnelNamespace(string name) => Name = name;

    /// <summary>The name in <c>ip netns</c>: the table and the number of the node's namespace, because one machine may have several nodes.</summary>
    public string Name { get; }

    public bool Exists => File.Exists($"/run/netns/{Name}");

    /// <summary>The tunnel namespace of the calling thread's namespace.</summary>
    public static TunnelNamespace OfThisThread(string table)
    {
        // net:[4026531840]
        var link = new FileInfo(ThisThread).LinkTarget ?? throw new DataplaneException($"{ThisThread} cannot be read");
        return new TunnelNamespace($"{table}-mpls-{link[(link.IndexOf('[', StringComparison.Ordinal) + 1)..^1]}");
    }

    /// <summary>The path of the calling thread's namespace, for ip.</summary>
    public static string ThisThread => $"/proc/{new FileInfo("/proc/thread-self").LinkTarget}/ns/net";

    public static string Inner(int routingInstance) => string.Create(CultureInfo.InvariantCulture, $"v{routingInstance}");

    /// <summary>Makes the namespace if it is missing, and sets it up.</summary>
    public async Task MakeAsync()
    {
        if (!Exists) await ChangeNameAsync("add");
        await ChangeAsync(["link set lo up"]);
        // The label's TTL and the inner TTL are independent (RFC 3443, pipe model). The source port identifies the flow (RFC 7510 section 3).
        // A new device that forwards IPv6 joins the all-routers group and reports it into the VPN, so the default is off.
        await SetAsync([
            ("net/mpls/platform_labels", $"{MplsLabel.Last}"),
            ("net/mpls/ip_ttl_propagate", "0"),
            ("net/mpls/default_ttl", $"{LabelStackEntry.OurTtl}"),
            ("net/ipv4/ip_local_port_range", $"{MplsInUdp.FirstEntropyPort} {ushort.MaxValue}"),
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv4/conf/all/rp_filter", "0"),
            ("net/ipv4/conf/default/rp_filter", "0"),
            ("net/ipv4/fib_multipath_hash_policy", "1"),
            .. Plumbing.DeviceSysctls.HasIPv6 ? [("net/ipv6/conf/default/addr_gen_mode", "1"), ("net/ipv6/conf/all/forwarding", "1"), ("net/ipv6/conf/default/forwarding", "0"), ("net/ipv6/fib_multipath_hash_policy", "1")] : ((string, string)[])[],
        ]);
    }

    public Task ChangeAsync(IReadOnlyList<string> lines) => IpTool.ChangeAsync(["-n", Name], lines);

    public Task ChangeAsync(string family, IReadOnlyList<string> lines) => IpTool.ChangeAsync(["-n", Name, "-f", family], lines);

    public Task<IReadOnlyDictionary<int, string>> TryAsync(string family, IReadOnlyList<string> lines) => IpTool.TryAsync(["-n", Name, "-f", family], lines);

    public Task RemoveAsync(string family, IReadOnlyList<string> lines) => IpTool.RemoveAsync(["-n", Name, "-f", family], lines);

    public Task<IReadOnlyList<JsonElement>> ListAsync(params IEnumerable<string> arguments) => IpTool.ListAsync(["-n", Name, .. arguments]);

    /// <summary>The agent's routes: table and prefix, as ip writes them.</summary>
    public async Task<IReadOnlyList<(string Table, string Prefix)>> ListRoutesAsync(string family)
    {
        var routes = await ListAsync("-f", family, "route", "show", "table", "all", "proto", Protocol);
        return [.. routes.Select(r => (r.GetProperty("table").ToString(), r.GetProperty("dst").GetString()!))];
    }

    /// <summary>Writes settings: a path below /proc/sys, or an absolute one, and the value.</summary>
    public async Task SetAsync(IReadOnlyList<(string Path, string Value)> settings)
    {
        if (settings.Count == 0) return;
        var script = string.Join('\n', settings.Select(s => $"echo '{s.Value}' > {Path.Combine("/proc/sys", s.Path)} || exit 1"));
        var (exitCode, _, errors) = await IpTool.RunAsync(script, ["netns", "exec", Name, "sh"]);
        if (exitCode != 0) throw new DataplaneException($"settings of network namespace {Name}: {errors.Trim()}");
    }

    /// <summary>Removes the namespace. Its devices are removed by name first, because the kernel destroys a namespace some time after its last user.</summary>
    public async Task DeleteAsync()
    {
        if (!Exists) return;
        var names = (await ListAsync("link", "show")).Select(l => l.GetProperty("ifname").GetString()!);
        await RemoveAsync("inet", [.. names.Where(n => n[0] == 'v' || TunnelDevice.Parse(n) is not null).Select(n => $"link del {n}")]);
        await ChangeNameAsync("del");
    }

    /// <summary>
    /// Adds or deletes the name. A name is a mount. In the agent's own mount namespace (a systemd unit's, that of <c>ip netns exec</c>) it
    /// would end with the agent, and the network namespace with it. So it is made in that of process 1, if that can be reached.
    /// </summary>
    private async Task ChangeNameAsync(string verb)
    {
        await ToolProcess.RunAsync("nsenter", "install util-linux", null, null, "--target", "1", "--mount", "ip", "netns", verb, Name);
        if (Exists != (verb == "add")) await IpTool.ChangeAsync([], [$"netns {verb} {Name}"]);
    }
}
