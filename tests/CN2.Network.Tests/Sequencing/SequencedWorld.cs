using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Sequencing;

/// <summary>
/// vRouters and a speaker that carry out the changes of the sequencer when the test says so. Every step checks the promise of the product:
/// a route in the speaker always has entries behind it that its vRouter has acknowledged.
/// </summary>
internal sealed class SequencedWorld : IAcknowledgements
{
    private readonly Dictionary<string, VirtualRouterAccount> _accounts;
    private readonly List<FloatingIPRoute> _announcing = [];
    private int _taken;
    private readonly List<FloatingIPRoute> _withdrawing = [];
    private readonly Dictionary<(Guid, string, int), DateTimeOffset> _goneSince = [];

    public SequencedWorld(params string[] virtualRouters)
    {
        _accounts = virtualRouters.ToDictionary(v => v, _ => new VirtualRouterAccount());
        Sequencer = new RouteSequencer(this);
    }

    public RouteSequencer Sequencer { get; }

    public DateTimeOffset Now { get; private set; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Routes that the speaker may have: it was asked to announce them and has not confirmed the withdrawal.</summary>
    public Dictionary<(Guid FloatingIP, string VirtualRouter, int RoutingInstance), FloatingIPRoute> Speaker { get; } = [];

    public HashSet<string> Unreachable { get; } = [];

    public IReadOnlyCollection<string> VirtualRouters => _accounts.Keys;

    public AckMark MarkOf(string virtualRouter, bool pending) =>
        new(_accounts[virtualRouter].Revision + (pending ? 1UL : 0), 0);

    public bool IsAcknowledged(string virtualRouter, AckMark mark) => _accounts[virtualRouter].Acknowledged >= mark.Revision;

    /// <summary>Entries that the vRouter of this name refuses.</summary>
    public HashSet<(string VirtualRouter, NatEntryKey Key)> Refused { get; } = [];

    /// <summary>How often the sequencer asked whether a vRouter refuses something: once or twice for each route that it looks at.</summary>
    public int RefusalsAsked { get; set; }

    public bool RefusesAny(string virtualRouter)
    {
        RefusalsAsked++;
        return Refused.Any(r => r.VirtualRouter == virtualRouter);
    }

    public bool IsRefused(string virtualRouter, NatEntryKey key) => Refused.Contains((virtualRouter, key));

    /// <summary>The vRouter acknowledges everything but these entries.</summary>
    public void Refuse(string virtualRouter, params NatEntryKey[] keys) => Do(() =>
    {
        var changed = Refused.Where(r => r.VirtualRouter == virtualRouter).Select(r => r.Key).ToHashSet();
        changed.SymmetricExceptWith(keys);
        Refused.RemoveWhere(r => r.VirtualRouter == virtualRouter);
        foreach (var key in keys) Refused.Add((virtualRouter, key));
        Sequencer.RefusalsChanged(virtualRouter, Sequencer.Compiled.Values.SelectMany(c => c.NatEntries).Where(e => changed.Contains(e.Key)).Select(e => e.FloatingIP).OfType<Guid>().Distinct(), Now);
    });

    public bool IsReachable(string virtualRouter) => !Unreachable.Contains(virtualRouter);

    /// <summary>vRouters whose agents are not connected to this replica.</summary>
    public HashSet<string> ServedElsewhere { get; } = [];

    public bool IsServedHere(string virtualRouter) => !ServedElsewhere.Contains(virtualRouter);

    /// <summary>Routes that the speaker of another replica has.</summary>
    public HashSet<(Guid FloatingIP, string VirtualRouter)> AnnouncedByOthers { get; } = [];

    public bool AnnouncedElsewhere(Guid floatingIP, string virtualRouter) => AnnouncedByOthers.Contains((floatingIP, virtualRouter));

    public IReadOnlyDictionary<NatEntryKey, VirtualRouterNatEntry> TableOf(string virtualRouter) => _accounts[virtualRouter].Table;

    public void Set(CompiledOwner compiled) => Do(() => Sequencer.Set(compiled.Owner, compiled, Now));

    public void Remove(Guid owner) => Do(() => Sequencer.Set(owner, null, Now));

    /// <summary>Sets several owners before the changes are taken.</summary>
    public void Set(params (Guid Owner, CompiledOwner? Compiled)[] owners) => Do(() =>
    {
        foreach (var (owner, compiled) in owners) Sequencer.Set(owner, compiled, Now);
    });

    public void Acknowledge(string virtualRouter) => Do(() =>
    {
        var account = _accounts[virtualRouter];
        account.Acknowledged = account.Revision;
        account.AcknowledgedTable = new(account.Table);
        Sequencer.Acknowledged(virtualRouter, Now);
    });

    public void SpeakerConfirms() => Do(() =>
    {
        var announced = _announcing.ToList();
        var withdrawn = _withdrawing.ToList();
        _announcing.Clear();
        _withdrawing.Clear();
        foreach (var route in withdrawn)
        {
            var key = KeyOf(route);
            if (announced.Exists(a => KeyOf(a) == key)) continue;
            Speaker.Remove(key);
            _goneSince[key] = Now;
        }

        Sequencer.Announced(announced, Now);
        Sequencer.Withdrawn(withdrawn, Now);
    });

    public void Pass(TimeSpan time)
    {
        Now += time;
        Do(() => Sequencer.Tick(Now, othersReadAt: Now));
    }

    /// <summary>All vRouters and the speaker answer and time passes, until nothing changes any more.</summary>
    public void Settle()
    {
        for (var i = 0; i < 10; i++)
        {
            foreach (var virtualRouter in VirtualRouters) Acknowledge(virtualRouter);
            SpeakerConfirms();
            Pass(RouteSequencer.BreakHold);
        }
    }

    private void Do(Action act)
    {
        act();
        var natEntries = Sequencer.TakeNatEntries(sharedFrom: _taken++ % 2 == 0 ? 1 : int.MaxValue);
        foreach (var (virtualRouter, account) in _accounts)
        {
            if (natEntries.Of(virtualRouter) is not { } changes) continue;
            account.Revision++;
            var after = new Dictionary<NatEntryKey, VirtualRouterNatEntry?>();
            foreach (var part in changes.Parts)
            {
                foreach (var key in part.Removed) after[key] = null;
                foreach (var entry in part.Put) after[entry.Key] = entry;
            }

            foreach (var (key, entry) in after)
            {
                if (entry is not null) account.Table[key] = entry;
                else if (account.Table.Remove(key, out var removed)) CheckRemoval(virtualRouter, removed);
            }
        }

        var routes = Sequencer.TakeRoutes();
        foreach (var route in routes.Announce)
        {
            Assert.True(
                _accounts[route.VirtualRouter].AcknowledgedTable.Values.Any(e => e.Carries && IsOf(e, route)),
                $"{route.Address} was announced through {route.VirtualRouter} before its entries were acknowledged");
            Speaker[KeyOf(route)] = route;
            _withdrawing.RemoveAll(r => KeyOf(r) == KeyOf(route));
            _announcing.Add(route);
        }

        foreach (var route in routes.Withdraw)
        {
            _announcing.RemoveAll(r => KeyOf(r) == KeyOf(route) && r.NextHop.Equals(route.NextHop));
            _withdrawing.Add(route);
        }

        foreach (var ((floatingIP, virtualRouter, _), route) in Speaker)
        {
            Assert.True(
                _accounts[virtualRouter].Table.Values.Any(e => e.Carries && IsOf(e, route)),
                $"the speaker holds {route.Address} through {virtualRouter}, whose entries are removed ({floatingIP})");
        }

        foreach (var (virtualRouter, account) in _accounts)
        {
            Assert.Equal(
                account.Table.Values.OrderBy(e => e.Key.ToString(), StringComparer.Ordinal),
                EntriesOf(virtualRouter).DistinctBy(e => e.Key).OrderBy(e => e.Key.ToString(), StringComparer.Ordinal));
        }
    }

    /// <summary>Everything one vRouter carries.</summary>
    private IEnumerable<VirtualRouterNatEntry> EntriesOf(string virtualRouter)
    {
        var own = Sequencer.OwnEntriesOf(virtualRouter);
        return own.Entries.Concat(Sequencer.Compiled.Values.Where(c => !own.Owners.Contains(c.Owner)).SelectMany(c => c.NatEntries.Select(e => e.Elsewhere()).OfType<VirtualRouterNatEntry>()));
    }

    private static (Guid FloatingIP, string VirtualRouter, int RoutingInstance) KeyOf(FloatingIPRoute route) =>
        (route.FloatingIP, route.VirtualRouter, route.RoutingInstance);

    private static bool IsOf(VirtualRouterNatEntry entry, FloatingIPRoute route) =>
        entry.Key.RoutingInstance == route.RoutingInstance && route.Address.Equals(entry.Key.Address);

    private void CheckRemoval(string virtualRouter, VirtualRouterNatEntry entry)
    {
        foreach (var ((_, name, instance), since) in _goneSince.Where(g => g.Key.Item2 == virtualRouter && Routes.AddressOf(g.Key.Item1).Equals(entry.Key.Address) && g.Key.Item3 == entry.Key.RoutingInstance))
        {
            var carried = EntriesOf(name).Any(e => e.Carries && e.Key.RoutingInstance == instance && Equals(e.Key.Address, entry.Key.Address));
            Assert.True(carried || Now - since >= RouteSequencer.EntryHold, $"entries left {virtualRouter} {Now - since} after the withdrawal");
        }
    }

    private sealed class VirtualRouterAccount
    {
        public ulong Revision { get; set; }
        public ulong Acknowledged { get; set; }
        public Dictionary<NatEntryKey, VirtualRouterNatEntry> Table { get; } = [];
        public Dictionary<NatEntryKey, VirtualRouterNatEntry> AcknowledgedTable { get; set; } = [];
    }
}

/// <summary>Compiled owners for tests: FloatingIP <c>n</c> is 100.0.0.n.</summary>
internal static class Routes
{
    private static readonly ExternalNetwork Network = new()
    {
        Uid = Guid.Empty,
        Id = new NamespacedName("ns1", "vn-external1"),
        Number = 1,
        FabricForwarding = true,
        Advertisement = Advertisement.Default,
    };

    public static Guid FloatingIP(int n) => new(n, 0, 0, new byte[8]);

    public static IPAddress AddressOf(Guid floatingIP) => new([100, 0, 0, floatingIP.ToByteArray()[0]]);

    /// <summary>An owner with one FloatingIP and endpoints on these vRouters. A leading tilde marks a draining endpoint.</summary>
    public static CompiledOwner Through(int n, params string[] endpoints) => Compile(FloatingIP(n), n, endpoints);

    /// <summary>An owner with a node port only.</summary>
    public static CompiledOwner NodePort(Guid owner, ushort port) => new()
    {
        Owner = owner,
        NatEntries =
        [
            new NatEntry
            {
                Key = new NatEntryKey(IPFamily.IPv4, null, TransportProtocol.TCP, port),
                Scope = NatEntryScope.EveryVirtualRouter,
                Backends = [new Backend(IPAddress.Parse("10.0.0.1"), 80, "compute1")],
            },
        ],
        Routes = [],
        EndpointsTotal = 1,
        EndpointsReady = 1,
    };

    /// <summary>The same owner in the overlay: its network has number 7.</summary>
    public static CompiledOwner InOverlay(CompiledOwner owner)
    {
        var network = Network with { Number = 7, FabricForwarding = false };
        return owner with
        {
            NatEntries = owner.NatEntries.Select(f => f with { Key = f.Key with { RoutingInstance = network.RoutingInstance } }).ToEquatableList(),
            Routes = owner.Routes.Select(r => r with { Network = network }).ToEquatableList(),
        };
    }

    public static CompiledOwner Compile(Guid owner, int n, string[] endpoints)
    {
        var address = AddressOf(FloatingIP(n));
        var ready = endpoints.Where(e => !e.StartsWith('~')).ToList();
        Backend Endpoint(string router) => new(IPAddress.Parse("10.0.0.1"), 80, router.TrimStart('~'));
        return new CompiledOwner
        {
            Owner = owner,
            NatEntries =
                endpoints.Length == 0
                    ? []
                    :
                    [
                        new NatEntry
                        {
                            Key = new NatEntryKey(IPFamily.IPv4, address, TransportProtocol.TCP, 8080),
                            FloatingIP = FloatingIP(n),
                            Scope = NatEntryScope.LocalBackends,
                            Backends = ready.Select(Endpoint).ToEquatableList(),
                            Draining = endpoints.Except(ready).Select(Endpoint).ToEquatableList(),
                        },
                    ],
            Routes = ready.Select(r => new FloatingIPRoute(FloatingIP(n), address, r, IPAddress.Parse($"172.27.115.{r[^1]}"), Network)).ToEquatableList(),
            EndpointsTotal = endpoints.Length,
            EndpointsReady = ready.Count,
        };
    }
}
