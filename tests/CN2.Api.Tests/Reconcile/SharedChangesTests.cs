using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// Random changes: what a vRouter has after all the changes that it was sent is what the same vRouter gets as its whole when it connects anew,
/// whether it was sent the changes for all as a part of its own or as the common one (<see cref="NatEntryChanges.Common"/>).
/// </summary>
public sealed class SharedChangesTests : IAsyncDisposable
{
    private static readonly string[] Names = ["compute1", "compute2", "compute3", "compute4", "compute5"];
    private static readonly ExternalNetwork Overlay = Sample.Network with { Uid = Sample.Uid(1001), Id = new NamespacedName("ns1", "vpn"), Number = 2, FabricForwarding = false };

    private readonly Dictionary<string, Has> _agents = [];
    private readonly List<FloatingIPRoute> _announcing = [];
    private readonly List<FloatingIPRoute> _withdrawing = [];
    private readonly List<string> _log = [];
    private LoopParts _parts = null!;
    private Random _random = null!;
    private int[] _nodePorts = [];
    private int _apps;
    private int _shared;

    public async ValueTask DisposeAsync() => await _parts.DisposeAsync();

    [Theory]
    [InlineData(1, 6, 3, 150)]
    [InlineData(4, 6, 3, 100)]
    [InlineData(500, 900, 1, 2)]
    public async Task Changes_add_up_to_the_whole(int sharedFrom, int services, int apps, int seeds)
    {
        for (var seed = 0; seed < seeds; seed++)
        {
            await BeginAsync(new CommonPace(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), 0, sharedFrom), services, apps, seed);
            for (var round = 0; round < 40; round++)
            {
                for (var changes = _random.Next(1, 5); changes > 0; changes--) Change();
                _parts.Compile();
                if (_random.Next(3) == 0) _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
                Flush();
                Answer();
                if (_random.Next(5) == 0) Check(Names[_random.Next(Names.Length)], seed);
            }

            foreach (var name in Names) Check(name, seed);
        }

        Assert.True(_shared > seeds, $"only {_shared} changes were shared");
    }

    private async Task BeginAsync(CommonPace pace, int services, int apps, int seed)
    {
        if (_parts is not null) await _parts.DisposeAsync();
        var distribution = seed % 2 == 0 ? ServiceDistribution.All : ServiceDistribution.Namespace;
        _parts = new LoopParts(replace: collection => collection.AddSingleton(pace).AddSingleton(new ServiceNetworkOptions { Distribution = distribution }));
        (_random, _apps) = (new Random(seed), apps);
        _nodePorts = [.. Enumerable.Range(30_000, services)];
        _agents.Clear();
        _announcing.Clear();
        _withdrawing.Clear();
        _log.Clear();
        var changes = _parts.Get<ResourceChanges>();
        changes.Put(Sample.Network);
        changes.Put(Overlay);
        foreach (var name in Names)
        {
            changes.Put(Sample.Router(name));
            _parts.Get<VRouterDispatcher>().Connected(name);
        }

        for (var n = 0; n < services; n++)
        {
            PutService(n);
            changes.Put(External(n, n));
        }

        _parts.Compile();
        Flush();
    }

    private void Change()
    {
        var changes = _parts.Get<ResourceChanges>();
        var n = _random.Next(8);
        var service = _random.Next(_nodePorts.Length);
        var name = Names[_random.Next(Names.Length)];
        var other = _random.Next(_nodePorts.Length);
        switch (_random.Next(15))
        {
            case 0:
                Log($"put service {service}");
                PutService(service);
                break;
            case 1:
                Log($"remove service {service}");
                changes.RemoveFloatingIP(ClusterIP(service).Uid);
                changes.RemoveFloatingIP(External(service, service).Uid);
                changes.RemoveService(Sample.Service(service).Uid);
                break;
            case 2:
                Log($"FloatingIP {service} to service {other}");
                changes.RemoveFloatingIP(Next(service, other).Uid);
                changes.Put(External(service, other));
                break;
            case 3:
                Log($"the address of FloatingIP {service} is freed and given to service {other}");
                changes.RemoveFloatingIP(External(service, other).Uid);
                changes.Put(Next(service, other));
                break;
            case 4:
                Log($"services {service} and {other} exchange their node ports");
                (_nodePorts[service], _nodePorts[other]) = (_nodePorts[other], _nodePorts[service]);
                PutService(service);
                PutService(other);
                break;
            case 5:
                Log($"pod{n} goes");
                changes.RemoveVirtualMachineInterface(Sample.Endpoint(n, name).Uid);
                break;
            case 6:
                var lost = _random.Next(2) == 0;
                Log($"{name} {(lost ? "is lost" : "is back")}");
                changes.Put(Sample.Router(name, lost));
                break;
            case 7:
                Log($"{name} connects");
                _parts.Get<VRouterDispatcher>().Connected(name);
                break;
            case 8:
                Log($"{name} leaves");
                _parts.Get<VRouterDispatcher>().Disconnected(name);
                _agents.Remove(name);
                break;
            case 9:
                var underlay = _random.Next(2) == 0;
                Log($"vpn is {(underlay ? "an underlay" : "an overlay")}");
                changes.Put(Overlay with { FabricForwarding = underlay });
                break;
            default:
                Log($"pod{n} on {name}");
                changes.Put(Sample.Endpoint(n, name) with
                {
                    Id = new NamespacedName(NamespaceOf(n), $"pod{n}"),
                    Labels = new Dictionary<string, string> { ["app"] = $"app{n % _apps}" },
                    Ready = _random.Next(4) > 0,
                });
                break;
        }
    }

    private void PutService(int n)
    {
        var changes = _parts.Get<ResourceChanges>();
        changes.Put(Sample.Service(n) with
        {
            Id = new NamespacedName(NamespaceOf(n), $"web{n}"),
            Selector = new Dictionary<string, string> { ["app"] = $"app{n % _apps}" },
            Ports = [new ServicePort(null, TransportProtocol.TCP, 80, 8080, (ushort)_nodePorts[n])],
            ExternalTrafficPolicy = _random.Next(2) == 0 ? ExternalTrafficPolicy.Local : ExternalTrafficPolicy.Cluster,
            SessionAffinity = _random.Next(2) == 0 ? SessionAffinity.None : SessionAffinity.ClientIP,
        });
        changes.Put(ClusterIP(n));
    }

    private static string NamespaceOf(int n) => $"ns{n % 2}";

    private static FloatingIP ClusterIP(int n) => Sample.FloatingIP(10_000 + n, service: n) with { Kind = FloatingIPKind.ClusterIP, ExternalNetwork = null };

    private static FloatingIP External(int n, int service) => Sample.FloatingIP(n, service, n % 4 == 0 ? Overlay.Uid : null) with { Reserved = n % 2 == 0 };

    /// <summary>The one that is given the address of <see cref="External"/> after it.</summary>
    private static FloatingIP Next(int n, int service) => Sample.FloatingIP(20_000 + n, service) with { Address = Sample.AddressOf(n) };

    /// <summary>Agents and the speaker answer, or not yet.</summary>
    private void Answer()
    {
        var sequencer = _parts.State.Sequencer;
        foreach (var account in _parts.State.Ledger.Accounts.Where(a => a.ConnectedHere && _random.Next(3) > 0).ToList())
        {
            account.Applied(account.LastRevision);
            sequencer.Acknowledged(account.Name, _parts.Now);
        }

        var routes = sequencer.TakeRoutes();
        _announcing.AddRange(routes.Announce);
        _withdrawing.AddRange(routes.Withdraw);
        if (_random.Next(2) == 0)
        {
            sequencer.Announced(_announcing, _parts.Now);
            sequencer.Withdrawn(_withdrawing, _parts.Now);
            _announcing.Clear();
            _withdrawing.Clear();
        }

        if (_random.Next(3) == 0) _parts.Time.Advance(RouteSequencer.EntryHold);
        sequencer.Tick(_parts.Now, _parts.Now);
    }

    private void Check(string name, int seed)
    {
        // Everything that is there is sent: the changes for all have their moment, and nothing is held back for it.
        _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
        Flush();
        if (!_agents.TryGetValue(name, out var has)) return;
        Log($"{name} is checked");
        _parts.Get<VRouterDispatcher>().Connected(name);
        Flush();
        var (expected, actual) = (_agents[name].ToLines(), has.ToLines());
        Assert.True(expected.SequenceEqual(actual),
            $"seed {seed}: {name} misses [{string.Join("; ", expected.Except(actual).Take(5))}] and has [{string.Join("; ", actual.Except(expected).Take(5))}] too\n{string.Join('\n', _log.TakeLast(60))}");
    }

    private void Flush()
    {
        var publisher = _parts.Publisher;
        publisher.Configs.Clear();
        publisher.Deltas.Clear();
        _parts.Get<VRouterDispatcher>().Flush();
        foreach (var (name, _, config) in publisher.Configs) _agents[name] = new Has(config);
        foreach (var (name, _, delta) in publisher.Deltas)
        {
            _agents[name].Take(delta);
            if (delta.CommonNatEntries is not null) _shared++;
        }

        Log($"sent: {string.Join(' ', publisher.Configs.Select(c => $"{c.Name}!").Concat(publisher.Deltas.Select(d => d.Name + (d.Delta.CommonNatEntries is null ? "" : "*"))))}");
    }

    private void Log(string what) => _log.Add(what);

    /// <summary>What an agent has of what the server sent, of that which does not depend on when it came.</summary>
    private sealed class Has
    {
        private readonly Dictionary<NatEntryKey, VirtualRouterNatEntry> _natEntries;
        private readonly HashSet<IPAddress> _floatingIPs;
        private readonly Dictionary<int, RoutingInstance> _instances;
        private readonly Dictionary<VRouterAttachmentKey, VRouterAttachment> _attachments;
        private readonly Dictionary<VRouterAttachmentKey, VRouterCarriers> _carriers;
        private readonly HashSet<IPNetwork> _inside;

        public Has(VRouterConfig whole)
        {
            _natEntries = whole.NatEntries.ToDictionary(e => e.Key);
            _floatingIPs = [.. whole.FloatingIPs];
            _instances = whole.RoutingInstances.ToDictionary(i => i.Number);
            _attachments = whole.Attachments.ToDictionary(a => a.Key);
            _carriers = whole.Carriers.ToDictionary(c => c.Key);
            _inside = [.. whole.Inside];
        }

        /// <summary>As <c>DesiredState</c> of the agent: the common part first, in each part what is removed before what is put.</summary>
        public void Take(VRouterDelta delta)
        {
            foreach (var part in delta.NatEntryParts)
            {
                foreach (var key in part.Removed) _natEntries.Remove(key);
                foreach (var entry in part.Put) _natEntries[entry.Key] = entry;
            }

            _floatingIPs.ExceptWith(delta.RemovedFloatingIPs);
            _floatingIPs.UnionWith(delta.FloatingIPs);
            foreach (var number in delta.RemovedRoutingInstances) _instances.Remove(number);
            foreach (var instance in delta.RoutingInstances) _instances[instance.Number] = instance;
            foreach (var key in delta.RemovedAttachments) _attachments.Remove(key);
            foreach (var attachment in delta.Attachments) _attachments[attachment.Key] = attachment;
            foreach (var key in delta.RemovedCarriers) _carriers.Remove(key);
            foreach (var carriers in delta.Carriers) _carriers[carriers.Key] = carriers;
            _inside.ExceptWith(delta.RemovedInside);
            _inside.UnionWith(delta.Inside);
        }

        public List<string> ToLines() =>
        [
            .. new IEnumerable<string>[]
            {
                _natEntries.Values.Select(e => $"entry {e}"), _floatingIPs.Select(a => $"drop {a}"), _instances.Values.Select(i => $"instance {i}"),
                _attachments.Values.Select(a => $"attachment {a}"), _carriers.Values.Select(c => $"carriers {c}"), _inside.Select(n => $"inside {n}"),
            }.SelectMany(lines => lines).Order(StringComparer.Ordinal),
        ];
    }
}
