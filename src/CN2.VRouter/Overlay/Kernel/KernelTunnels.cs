using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Plumbing;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>
/// Tunnels of the kernel: MPLS in UDP (RFC 7510) by IPIP devices over FOU, MPLS in GRE (RFC 4023), labels and label-pushing routes in a
/// separate network namespace (<see cref="TunnelNamespace"/>), and a pair of veth devices between it and the node for each RoutingInstance.
/// All of it outlives the agent, and the next agent continues with it.
/// </summary>
/// <remarks>
/// The traffic class of a label is 0. The kernel's own hash spreads flows, so a path that is removed may move flows of other paths. Manual
/// changes in that namespace stay until the agent starts again or a device between it and the node is lost.
/// </remarks>
internal sealed class KernelTunnels(string table, IPAddress address, Action<string> drift) : ITunnels<KernelInstance>
{
    private const int EthernetHeader = 14;
    private static readonly string[] Families = DeviceSysctls.HasIPv6 ? ["inet", "inet6"] : ["inet"];
    private static readonly string AllProcessors = Mask(Environment.ProcessorCount);

    private readonly KernelChanges _changes = new();
    private readonly HashSet<TunnelDevice> _tunnels = [];
    private readonly HashSet<string> _forgotten = [];

    /// <summary>Devices of the node that the last full reading found and no RoutingInstance uses yet: name and index of the other end; 0: none.</summary>
    private readonly Dictionary<string, int> _found = [];

    /// <summary>The same in the namespace of the tunnels: name and index.</summary>
    private readonly Dictionary<string, int> _foundInside = [];

    private readonly Lock _counting = new();
    private TunnelNamespace? _home;
    private TunnelFilter? _filter;
    private RouteSocket? _links;
    private KernelInstance[] _published = [];

    public string Name => "kernel";

    public string? Notice => null;

    public long AllocatedBytes => 0;

    public OverlayCounters Counters
    {
        get
        {
            lock (_counting)
            {
                if (_filter is null || _links is null) return OverlayCounters.None;
                // A RoutingInstance whose device was lost has none until the next step is done.
                return _filter.Read(_published.ToDictionary(i => i.Number, i => i.Device is { } device ? Carried(device) : default));
            }
        }
    }

    /// <summary>Removes everything that kernel tunnels with this table's name have in and beside the network namespace of the calling thread.</summary>
    public static async Task FlushAsync(string table)
    {
        var home = TunnelNamespace.OfThisThread(table);
        if (!home.Exists) return;
        await home.DeleteAsync();
        await TunnelPort.CloseAllAsync();
        await TunnelFilter.FlushAsync(table);
    }

    public KernelInstance NewInstance(int number) => new KernelInstance(number, _changes);

    public async Task OpenAsync(bool whole)
    {
        if (!whole && _filter is not null) return;
        _home ??= TunnelNamespace.OfThisThread(table);
        await _home.MakeAsync();
        await TunnelPort.OpenAsync(address);
        await ReadDevicesAsync();
        lock (_counting)
        {
            _links ??= new RouteSocket();
            _filter ??= new TunnelFilter(table, address, drift);
        }
    }

    public async Task MakeDeviceAsync(KernelInstance instance, string name)
    {
        var number = instance.Number;
        var (home, inner) = (_home!, TunnelNamespace.Inner(number));
        _forgotten.Remove(name);
        var insideIndex = _foundInside.Remove(inner, out var index) ? index : 0;
        if (_found.Remove(name, out var otherEnd))
        {
            if (otherEnd == 0 || otherEnd != insideIndex) throw new DataplaneException($"device {name}: there is another device of that name");
        }
        else
        {
            if (insideIndex != 0) await home.ChangeAsync([$"link del {inner}"]); // the other end was renamed
            var hardware = string.Create(CultureInfo.InvariantCulture, $"02:cb:30:00:{number >> 8:x2}:{number & 255:x2}");
            // The pair is made in that namespace and moved when it is silent, because a device with multicast reports its groups into the VPN.
            // gso_max_segs 1: the kernel cannot segment MPLS in UDP and drops longer packets.
            await home.ChangeAsync([
                $"link add {inner} address {hardware} type veth peer name {name} address {hardware}",
                $"link set {inner} arp off multicast off",
                $"link set {name} arp off multicast off gso_max_segs 1",
                $"link set {name} netns {TunnelNamespace.ThisThread}",
            ]);
        }

        var device = new VethDevice(name, (int)Posix.InterfaceIndex(name), default);
        lock (_counting) device = device with { Before = Carried(device) };
        instance.Use(device);
    }

    public void ForgetDevice(KernelInstance instance)
    {
        if (instance.Device is { } device) _forgotten.Add(device.Name);
        instance.Use(null);
    }

    public async Task PublishAsync(OverlayStep<KernelInstance> step, IReadOnlyCollection<KernelInstance> instances)
    {
        if (instances.Count == 0 && step.Whole)
        {
            Close();
            await FlushAsync(table);
        }

        if (_home is not { } home || _filter is not { } filter) return;
        var changed = (step.Whole ? instances : (IEnumerable<KernelInstance>)_changes.Instances).ToList();
        foreach (var instance in step.Gone)
        {
            foreach (var prefix in instance.Prefixes.ToList()) instance.Set(prefix, null);
            changed.Remove(instance);
        }

        await AddTunnelsAsync(home);
        await PublishDevicesAsync(home, step.Whole ? changed : step.New);
        await PublishRoutesAsync(home, step, step.Whole ? [.. changed.SelectMany(i => i.Prefixes, (i, p) => (i, p))] : _changes.Routes);
        if (!step.Whole && filter.Written) await ChangeSendersAsync(filter, changed, step.Gone);
        else await filter.WriteAsync(new([.. instances.Select(i => i.Label)], [.. instances.SelectMany(i => i.Senders)]));
        await PublishLabelsAsync(home, changed);
        foreach (var instance in changed) instance.Published = instance.Senders;
        _changes.Instances.Clear();
        _changes.Routes.Clear();
        lock (_counting) _published = [.. instances];
    }

    public async Task RemoveStaleAsync(OverlayStep<KernelInstance> step)
    {
        if (_home is not { } home) return;
        await IpTool.RemoveAsync([], [.. _forgotten.Select(name => $"link del {name}")]);
        _forgotten.Clear();
        foreach (var family in Families) await home.RemoveAsync(family, [.. step.Gone.Select(i => $"rule del {Rule(i.Number)}")]);
        if (step.Whole) await RemoveLeftoversAsync(home);
        _found.Clear();
        _foundInside.Clear();
        var idle = _tunnels.Where(t => !_changes.Routers.ContainsKey(t.NextHop)).ToList();
        await home.RemoveAsync("inet", [.. idle.Select(t => $"link del {t.Name}")]);
        _tunnels.ExceptWith(idle);
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private static string Rule(int number) => $"iif {TunnelNamespace.Inner(number)} lookup {OverlayNumbers.RoutingTable(number)} pref 100 protocol {TunnelNamespace.Protocol}";

    // Tunnels of an agent with another address have another end. A tunnel in the node's namespace was left on its way into the other one.
    private async Task ReadDevicesAsync()
    {
        var (links, inside) = (await IpTool.ListAsync("-details", "link", "show"), await _home!.ListAsync("-details", "link", "show"));
        var strays = links.Where(l => TunnelDevice.Parse(NameOf(l)) is not null && KindOf(l) is "ipip" or "gre");
        await IpTool.RemoveAsync([], [.. strays.Select(l => $"link del {NameOf(l)}")]);
        _tunnels.Clear();
        var wrong = new List<string>();
        foreach (var link in inside)
        {
            if (TunnelDevice.Parse(NameOf(link)) is not { } tunnel) continue;
            if (link.GetProperty("linkinfo").GetProperty("info_data").TryGetProperty("local", out var local) && local.GetString() == address.ToString()) _tunnels.Add(tunnel);
            else wrong.Add($"link del {tunnel.Name}");
        }

        await _home.RemoveAsync("inet", wrong);
        _found.Clear();
        _foundInside.Clear();
        foreach (var link in links) _found[NameOf(link)] = link.TryGetProperty("link_index", out var otherEnd) ? otherEnd.GetInt32() : 0;
        foreach (var link in inside) _foundInside[NameOf(link)] = link.GetProperty("ifindex").GetInt32();
    }

    private async Task AddTunnelsAsync(TunnelNamespace home)
    {
        // Both kinds: a router may send with one encapsulation and receive the other.
        var missing = _changes.Routers.Keys.SelectMany(r => (TunnelDevice[])[new(r, Udp: true), new(r, Udp: false)]).Where(t => !_tunnels.Contains(t)).ToList();
        if (missing.Count == 0) return;
        await IpTool.ChangeAsync([], [.. missing.SelectMany(t => (string[])[t.Command(address), $"link set {t.Name} netns {home.Name}"])]);
        await home.ChangeAsync([.. missing.Select(t => $"link set {t.Name} mtu {TunnelDevice.Mtu} up")]);
        await home.SetAsync([.. missing.Select(t => ($"net/mpls/conf/{t.Name}/input", "1"))]);
        _tunnels.UnionWith(missing);
    }

    private static async Task PublishDevicesAsync(TunnelNamespace home, List<KernelInstance> instances)
    {
        if (instances.Count == 0) return;
        // The MTU of the other end limits packets. Packet steering (RPS) computes the flow hash of a packet before a label hides the flow; the
        // source port of MPLS in UDP is made from that hash.
        await home.ChangeAsync([.. instances.Select(i => $"link set {TunnelNamespace.Inner(i.Number)} mtu 65535 up")]);
        await home.SetAsync([.. instances.Select(i => ($"/sys/class/net/{TunnelNamespace.Inner(i.Number)}/queues/rx-0/rps_cpus", AllProcessors))]);
        if (DeviceSysctls.HasIPv6) await home.SetAsync([.. instances.Select(i => ($"net/ipv6/conf/{TunnelNamespace.Inner(i.Number)}/forwarding", "1"))]);
        foreach (var family in Families)
        {
            var known = (await home.ListAsync("-f", family, "rule", "show")).Select(r => r.TryGetProperty("iif", out var device) ? device.GetString() : null).ToHashSet();
            await home.ChangeAsync(family, [.. instances.Where(i => !known.Contains(TunnelNamespace.Inner(i.Number))).Select(i => $"rule add {Rule(i.Number)}")]);
        }
    }

    // A label leads to the inner device without a next hop: packets go to the device's own hardware address, which the other end has too.
    private static async Task PublishLabelsAsync(TunnelNamespace home, List<KernelInstance> instances)
    {
        await home.ChangeAsync("mpls", [.. instances.Select(i => $"route replace {i.Label} dev {TunnelNamespace.Inner(i.Number)}")]);
        await home.RemoveAsync("mpls", [.. instances.Where(i => i.PublishedLabel != 0 && i.PublishedLabel != i.Label).Select(i => $"route del {i.PublishedLabel}")]);
        foreach (var instance in instances) instance.PublishedLabel = instance.Label;
    }

    private static async Task PublishRoutesAsync(TunnelNamespace home, OverlayStep<KernelInstance> step, IReadOnlyCollection<(KernelInstance Instance, IPNetwork Prefix)> routes)
    {
        foreach (var family in Families)
        {
            var its = routes.Where(r => r.Prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 == (family == "inet6")).ToList();
            var replaced = its.Where(r => r.Instance.Has(r.Prefix)).ToList();
            foreach (var (line, reason) in await home.TryAsync(family, [.. replaced.Select(r => Replace(r.Instance, r.Prefix)!)]))
                step.Refuse(replaced[line].Instance, replaced[line].Prefix, reason);
            await home.RemoveAsync(family, [.. its.Where(r => !r.Instance.Has(r.Prefix)).Select(r => $"route del {r.Prefix} table {r.Instance.Table} proto {TunnelNamespace.Protocol}")]);
        }
    }

    private static string? Replace(KernelInstance instance, IPNetwork prefix)
    {
        if (instance.PathsOf(prefix) is not { } paths) return null;
        // A tunnel has only one far end, but an IPv6 route needs a next hop nevertheless.
        var via = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? "via fe80::1 " : "";
        var hops = paths.Select(p => string.Create(CultureInfo.InvariantCulture, $"encap mpls {p.Label} {via}dev {TunnelDevice.Of(p).Name}")).ToList();
        return $"route replace {prefix} table {instance.Table} proto {TunnelNamespace.Protocol} " + (hops.Count == 1 ? hops[0] : string.Join(' ', hops.Select(h => "nexthop " + h)));
    }

    private static Task ChangeSendersAsync(TunnelFilter filter, List<KernelInstance> changed, List<KernelInstance> gone)
    {
        var relabelled = changed.Where(i => i.Label != i.PublishedLabel).ToList();
        return filter.ChangeAsync(
            new([.. relabelled.Select(i => i.Label)], [.. changed.SelectMany(i => i.Senders.Except(i.Published))]),
            new([.. relabelled.Concat(gone).Select(i => i.PublishedLabel).Where(l => l != 0)], [.. changed.SelectMany(i => i.Published.Except(i.Senders)), .. gone.SelectMany(i => i.Published)]));
    }

    /// <summary>Removes what an earlier agent left and the configuration does not contain.</summary>
    private async Task RemoveLeftoversAsync(TunnelNamespace home)
    {
        var (numbers, labels) = (_published.Select(i => i.Number).ToHashSet(), new HashSet<string>());
        var wanted = new HashSet<(string, string)>();
        foreach (var instance in _published)
        {
            labels.Add(instance.Label.ToString(CultureInfo.InvariantCulture));
            foreach (var prefix in instance.Prefixes) wanted.Add((instance.Table.ToString(CultureInfo.InvariantCulture), prefix.ToString()));
        }

        foreach (var link in await home.ListAsync("link", "show"))
        {
            var name = NameOf(link);
            if (name[0] == 'v' && int.TryParse(name.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && !numbers.Contains(number))
                await home.RemoveAsync("inet", [$"link del {name}"]);
        }

        var mpls = await home.ListAsync("-f", "mpls", "route", "show");
        await home.RemoveAsync("mpls", [.. mpls.Select(r => r.GetProperty("dst").ToString()).Where(l => !labels.Contains(l)).Select(l => $"route del {l}")]);
        foreach (var family in Families)
        {
            var routes = (await home.ListRoutesAsync(family)).Where(r => !wanted.Contains((r.Table, InFull(r.Prefix, family))));
            await home.RemoveAsync(family, [.. routes.Select(r => $"route del {r.Prefix} table {r.Table} proto {TunnelNamespace.Protocol}")]);
            var rules = (await home.ListAsync("-f", family, "rule", "show")).Where(r => r.TryGetProperty("iif", out _)).Select(r => r.GetProperty("iif").GetString()!);
            await home.RemoveAsync(family, [.. rules.Where(d => d[0] == 'v' && !numbers.Contains(int.Parse(d[1..], CultureInfo.InvariantCulture))).Select(d => $"rule del iif {d} pref 100")]);
        }
    }

    private void Close()
    {
        lock (_counting)
        {
            _filter?.Dispose();
            _links?.Dispose();
            (_filter, _links, _home, _published) = (null, null, null, []);
        }

        _tunnels.Clear();
    }

    // The caller holds the lock. "In" is what the node's end received: packets out of a tunnel.
    private RoutingInstanceCounters Carried(VethDevice device)
    {
        if (_links is null || Links.ReadCounters(_links, device.Index) is not { } now) return default;
        var before = device.Before;
        return new RoutingInstanceCounters(
            now.ReceivedPackets - before.PacketsIn,
            now.ReceivedBytes - (now.ReceivedPackets * EthernetHeader) - before.BytesIn,
            now.SentPackets - before.PacketsOut,
            now.SentBytes - (now.SentPackets * EthernetHeader) - before.BytesOut,
            0);
    }

    /// <summary>A mask of this many processors in the form of sysfs: groups of 32 bits, the highest first.</summary>
    internal static string Mask(int processors)
    {
        var groups = Enumerable.Range(0, (processors + 31) / 32).Select(i => processors - (32 * i) is var left && left >= 32 ? uint.MaxValue : (1u << left) - 1);
        return string.Join(',', groups.Reverse().Select(g => g.ToString("x", CultureInfo.InvariantCulture)));
    }

    private static string InFull(string prefix, string family) => prefix switch
    {
        "default" => family == "inet6" ? "::/0" : "0.0.0.0/0",
        _ when prefix.Contains('/', StringComparison.Ordinal) => prefix,
        _ => prefix + (family == "inet6" ? "/128" : "/32"),
    };

    private static string NameOf(JsonElement link) => link.GetProperty("ifname").GetString()!;

    private static string? KindOf(JsonElement link) =>
        link.TryGetProperty("linkinfo", out var information) && information.TryGetProperty("info_kind", out var kind) ? kind.GetString() : null;
}
