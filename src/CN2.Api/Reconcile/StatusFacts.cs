using System.Net;
using System.Net.Sockets;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Services;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.Network.Status;

namespace CN2.Api.Reconcile;

/// <summary>Gathers the facts from which the statuses of an owner and its FloatingIPs are decided, and drafts them. One instance sees one moment.</summary>
internal sealed class StatusFacts(LoopState state, IBgpSpeaker speaker)
{
    private readonly IReadOnlyList<BgpSession> _sessions = speaker.Sessions;

    // The vRouters of which there is something to say. The others may be thousands, and are not looked at for each owner.
    private readonly List<VirtualRouterLedger.Account> _held = [.. state.Ledger.Accounts.Where(a => a is { Counts: true, Held: true, ConnectedHere: false })];
    private readonly List<VirtualRouterLedger.Account> _failing = [.. state.Ledger.Accounts.Where(a => a is { Counts: true, Error: not null })];
    private readonly List<VirtualRouterLedger.Account> _refusing = [.. state.Ledger.Accounts.Where(a => a is { Counts: true, Refused.IsEmpty: false }).OrderBy(a => a.Name, StringComparer.Ordinal)];

    /// <summary>
    /// What owners wait for (<see cref="VirtualRouterLedger.SharedWaitOf"/>) → the vRouters in question. Of a fleet they are a thousand, and owners that changed together wait for
    /// the same: their names are put in order once.
    /// </summary>
    private readonly Dictionary<object, EquatableList<string>> _awaited = [];

    /// <summary>FloatingIP → its routes: its own status is made of them, and its Service's.</summary>
    private readonly Dictionary<Guid, HeldRoutes> _routes = [];

    /// <summary>The drafts of an owner: of the Service and its FloatingIPs, or of a FloatingIP without a Service.</summary>
    public IEnumerable<StatusDraft> Of(Guid owner)
    {
        if (state.Resources.TryGetService(owner) is { } service)
        {
            var compiled = state.Sequencer.Compiled.GetValueOrDefault(owner) ?? new CompiledOwner { Owner = owner, NatEntries = [], Routes = [], EndpointsTotal = 0, EndpointsReady = 0 };
            var held = state.Resources.FloatingIPsOf(owner);
            yield return Of(service, compiled, held);
            foreach (var floatingIP in held) yield return Of(floatingIP, owner, compiled);
        }
        else if (state.Resources.TryGetFloatingIP(owner) is { Service: null } floatingIP)
        {
            // A FloatingIP that a Service has claimed meanwhile is drafted with the Service: a write with two drafts of it would fail.
            yield return Of(floatingIP, owner, state.Sequencer.Compiled.GetValueOrDefault(owner));
        }
    }

    private StatusDraft Of(Service service, CompiledOwner compiled, IReadOnlyList<FloatingIP> held)
    {
        var external = held.Where(f => f.Kind == FloatingIPKind.External && !f.Deleting).ToList();
        var facts = new ServiceFacts
        {
            Generation = service.Generation,
            Deleting = service.Deleting,
            Type = service.Type,
            PendingReason = service.PendingReason,
            PendingMessage = service.PendingMessage,
            HasExternal = external.Count > 0,
            EndpointsTotal = compiled.EndpointsTotal,
            EndpointsReady = compiled.EndpointsReady,
            Problems = compiled.Problems,
        };
        // A Service that is being deleted waits for all that it holds.
        var serving = (ServiceFacts)WithServing(facts, service.Uid, external) with { ControlNodesGone = ControlNodesGone(held) };
        var status = ServiceStatusCompiler.Compile(serving);
        var document = new ServiceStatus(
            status.State, [], [], null, new ServiceEndpoints(compiled.EndpointsTotal, compiled.EndpointsReady), [], [.. status.Conditions.Select(Body)]);
        return new StatusDraft(ResourceKind.Service, service.Uid, ApiJson.Bytes(document), IsNews: true);
    }

    private StatusDraft Of(FloatingIP floatingIP, Guid owner, CompiledOwner? compiled)
    {
        var attachments = state.Resources.AttachmentsOf(owner, floatingIP.Address.FamilyOf())
            .Select(a => new FloatingIPAttachment(a.VirtualMachineInterface, a.VirtualRouter, a.Address.ToString(), a.Ready, IsProgrammed(a.VirtualRouter, owner) && !IsRefused(a.VirtualRouter, floatingIP, compiled)))
            .ToList();
        var facts = new FloatingIPFacts
        {
            Generation = floatingIP.Generation,
            Deleting = floatingIP.Deleting,
            Kind = floatingIP.Kind,
            Attached = floatingIP.Service is not null || floatingIP.Interfaces.Count > 0,
            EndpointsTotal = attachments.Count,
            EndpointsReady = attachments.Count(a => a.Ready),
            // Of the addresses of a Service one may be the infrastructure's, and the others are served.
            Problems = compiled?.Problems.Where(p => floatingIP.HasInfrastructureAddress || p is not { Reason: ConditionReason.InfrastructureAddress, WithholdsAddress: true }).ToEquatableList() ?? [],
        };
        var status = FloatingIPStatusCompiler.Compile((FloatingIPFacts)WithServing(facts, owner, [floatingIP]));
        var document = new FloatingIPStatus(status.State, attachments, RoutesOf(floatingIP).Bodies, [.. status.Conditions.Select(Body)]);
        return new StatusDraft(ResourceKind.FloatingIP, floatingIP.Uid, ApiJson.Bytes(document), IsNews: floatingIP.Service is null);
    }

    /// <summary>Adds what vRouters and speakers have carried out.</summary>
    private ServingFacts WithServing(ServingFacts facts, Guid owner, IReadOnlyList<FloatingIP> floatingIPs)
    {
        var routes = floatingIPs.Where(f => f.Kind == FloatingIPKind.External).Select(RoutesOf).ToList();
        var families = floatingIPs.Select(f => FamilyOf(f.Address, IsInOverlay(f))).Distinct().ToList();
        var awaited = AwaitedBy(owner);
        var refusals = floatingIPs.SelectMany(RefusalsOf).ToList();
        var entriesRefused = EntriesRefused(owner, floatingIPs);
        var carriers = state.Sequencer.Compiled.GetValueOrDefault(owner)?.Carriers() ?? [];
        var traffic = TrafficOf(owner, floatingIPs);
        return facts with
        {
            Programmed = awaited.Count == 0,
            VirtualRoutersAwaited = awaited,
            // Every deletion waits for them, also that of an owner of which they have nothing (FloatingIPRemoval.AllHaveAnswered).
            VirtualRoutersHeld = _held.Where(a => facts.Deleting || a.Awaits(owner) || state.Ledger.Unsent.Contains(owner))
                .Select(a => a.Name).Order(StringComparer.Ordinal).ToEquatableList(),
            VirtualRouterErrors = _failing.Where(a => Concerns(a, owner) && Serves(a.Name, owner))
                .Select(a => new VirtualRouterError(a.Name, a.Error!)).OrderBy(e => e.VirtualRouter, StringComparer.Ordinal).ToEquatableList(),
            EntriesRefused = entriesRefused.Where(r => Serves(r.VirtualRouter, owner)).ToEquatableList(),
            RefusedElsewhere = entriesRefused.Select(r => r.VirtualRouter).Distinct().Where(n => !Serves(n, owner)).ToEquatableList(),
            NotForwarding = carriers.Select(n => new StoppingNode(n, traffic & (state.Ledger.Find(n)?.Forwarding.Stopped ?? TrafficKinds.None)))
                .Where(n => n.Stopped != TrafficKinds.None).ToEquatableList(),
            Carriers = carriers.Count,
            Traffic = traffic,
            ControlNodesGone = ControlNodesGone(floatingIPs),
            ControlNodesAnnouncing = floatingIPs.SelectMany(f => state.Others.AnnouncersOf(f.Uid)).Distinct().Order(StringComparer.Ordinal).ToEquatableList(),
            NextHopsLeft = floatingIPs.SelectMany(NextHopsLeft).Distinct().OrderBy(l => (l.ControlNode, l.NextHop)).ToEquatableList(),
            RoutesWanted = routes.Sum(r => r.Wanted),
            RoutesInSpeaker = routes.Sum(r => r.InSpeaker),
            RoutesSent = routes.Sum(r => r.Bodies.Count(b => b.ControlNodes.Any(c => c.AdvertisedTo.Count > 0 && (c.Name == state.Self || !state.Others.IsGone(c.Name))))),
            RoutesRefused = refusals.Count,
            RouteRefusal = refusals.FirstOrDefault(),
            BgpEnabled = speaker.Enabled,
            FamiliesWithoutPeer = families.Where(f => !Sessions.Any(s => s.IsEstablished && s.Families.Contains(f))).Order(StringComparer.Ordinal).ToEquatableList(),
            EngineAwayAt = speaker is { Enabled: true, Healthy: false } ? state.Self : null,
            RoutersFull = floatingIPs.SelectMany(FullFor).Distinct().Order(StringComparer.Ordinal).ToEquatableList(),
            OutsideGrantOf = floatingIPs.SelectMany(HeldBack).Distinct().Order(StringComparer.Ordinal).ToEquatableList(),
            AddPathLimited = routes.Exists(IsAddPathLimited),
        };
    }

    /// <summary>What vRouters forward for the FloatingIPs, or for the owner's cluster IPs and node ports where it has none.</summary>
    private TrafficKinds TrafficOf(Guid owner, IReadOnlyList<FloatingIP> floatingIPs)
    {
        var kinds = TrafficKinds.None;
        foreach (var floatingIP in floatingIPs) kinds |= floatingIP.Address.FamilyOf().Traffic() | (IsInOverlay(floatingIP) ? TrafficKinds.Vpn : TrafficKinds.None);
        if (kinds == TrafficKinds.None && state.Sequencer.Compiled.TryGetValue(owner, out var compiled))
            foreach (var entry in compiled.NatEntries) kinds |= entry.Key.Family.Traffic();
        return kinds;
    }

    private bool IsInOverlay(FloatingIP floatingIP) => floatingIP.ExternalNetwork is { } network && state.Resources.ExternalNetwork(network) is { FabricForwarding: false };

    /// <summary>A session without ADD-PATH was sent only one of several next hops. VPN routes differ by their route distinguisher, so it is sent all of them.</summary>
    private bool IsAddPathLimited(HeldRoutes routes) =>
        routes.Wanted > 1 && routes.Bodies.TrueForAll(b => b.RouteDistinguisher is null)
        && Sessions.Any(s => s is { IsEstablished: true, AddPath: false } && routes.Bodies.Exists(b => b.ControlNodes.Any(c => c.AdvertisedTo.Contains(s.Peer))));

    /// <summary>A vRouter's refusal concerns this owner: the owner waits for the vRouter, or the vRouter has acknowledged nothing yet.</summary>
    private bool Concerns(VirtualRouterLedger.Account account, Guid owner) =>
        account.Awaits(owner)
        || (account is { ConnectedHere: true, Answered: false } && state.Sequencer.Compiled.GetValueOrDefault(owner)?.NatEntries.Any(f => f.On(account.Name) is not null) == true);

    /// <summary>The vRouter has an endpoint of this owner. What another one refuses is in the way of callers on that node only.</summary>
    private bool Serves(string virtualRouter, Guid owner) => state.Sequencer.Compiled.GetValueOrDefault(owner)?.Serves(virtualRouter) == true;

    /// <summary>Entries of the owner, and addresses of its FloatingIPs in the drop set, that vRouters refuse. In the order of the vRouters' names.</summary>
    private List<EntryRefusal> EntriesRefused(Guid owner, IReadOnlyList<FloatingIP> floatingIPs)
    {
        var refusals = new List<EntryRefusal>();
        foreach (var account in _refusing)
        {
            var entries = state.Sequencer.Compiled.GetValueOrDefault(owner)?.NatEntries.Where(e => e.On(account.Name) is not null).Select(e => e.Key).ToList() ?? [];
            refusals.AddRange(entries.Where(k => account.Refused.ReasonOf(k) is not null).Select(k => new EntryRefusal(account.Name, k.ToString(), account.Refused.ReasonOf(k)!)));
            refusals.AddRange(floatingIPs.Where(f => !entries.Exists(k => f.Address.Equals(k.Address)) && account.Refused.ReasonOf(f.Address) is not null)
                .Select(f => new EntryRefusal(account.Name, f.Address.ToString(), account.Refused.ReasonOf(f.Address)!)));
        }

        return refusals;
    }

    private EquatableList<string> ControlNodesGone(IEnumerable<FloatingIP> floatingIPs) =>
        floatingIPs.SelectMany(f => state.Others.GoneAnnouncersOf(f.Uid)).Distinct().Order(StringComparer.Ordinal).ToEquatableList();

    /// <summary>The vRouters that the owner waits for, in order.</summary>
    private EquatableList<string> AwaitedBy(Guid owner)
    {
        if (state.Ledger.SharedWaitOf(owner) is not { } shared) return Names();
        if (!_awaited.TryGetValue(shared, out var names)) _awaited[shared] = names = Names();
        return names;

        EquatableList<string> Names() => state.Ledger.AwaitedBy(owner).Select(a => a.Name).Order(StringComparer.Ordinal).ToEquatableList();
    }

    private IEnumerable<BgpSession> Sessions => _sessions.Concat(state.Others.Sessions);

    private bool IsProgrammed(string virtualRouter, Guid owner) =>
        state.Ledger.Find(virtualRouter) is { Lost: false } account && !state.Ledger.IsAwaitedBy(owner, account);

    private bool IsRefused(string virtualRouter, FloatingIP floatingIP, CompiledOwner? compiled) =>
        state.Ledger.RefusesAny(virtualRouter)
        && compiled?.NatEntries.Any(e => e.FloatingIP == floatingIP.Uid && state.Ledger.IsRefused(virtualRouter, e.Key)) == true;

    /// <summary>Why the speaker refuses routes of the FloatingIP, by path.</summary>
    private IEnumerable<string> RefusalsOf(FloatingIP floatingIP) => state.Sequencer.UnconfirmedOf(floatingIP.Uid)
        .OrderBy(r => r.Path.ToString(), StringComparer.Ordinal).Select(state.Refused.ReasonOf).OfType<string>();

    /// <summary>The Established routers that take no more prefixes and do not get the FloatingIP.</summary>
    private IEnumerable<string> FullFor(FloatingIP floatingIP) => floatingIP.Kind != FloatingIPKind.External ? [] :
        state.Sequencer.RoutesOf(floatingIP.Uid).Confirmed.SelectMany(r => speaker.WithheldFrom(KeyOf(r))).Where(n => Sessions.Any(s => s.IsEstablished && s.Peer == n));

    /// <summary>The namespace of the network, when the fence holds back a route of the FloatingIP.</summary>
    private IEnumerable<string> HeldBack(FloatingIP floatingIP) => floatingIP.Kind != FloatingIPKind.External ? [] :
        state.Sequencer.RoutesOf(floatingIP.Uid).Confirmed.Where(r => speaker.IsHeldBack(KeyOf(r))).Select(r => r.Network.Id.Namespace);

    private static BgpPathKey KeyOf(FloatingIPRoute route) => new(route.Address, route.Path);

    private HeldRoutes RoutesOf(FloatingIP floatingIP)
    {
        if (_routes.TryGetValue(floatingIP.Uid, out var known)) return known;
        var (wanted, confirmed) = state.Sequencer.RoutesOf(floatingIP.Uid);
        var elsewhere = state.Sequencer.UnconfirmedOf(floatingIP.Uid).Where(r => state.Others.Through(r.FloatingIP, r.Path).Any()).ToList();
        var left = LeftBehind(floatingIP).Where(r => !confirmed.Concat(elsewhere).Any(held => held.Path == r.Path)).ToList();
        var all = confirmed.Select(r => (Route: r, Here: true)).Concat(elsewhere.Concat(left).Select(r => (Route: r, Here: false))).OrderBy(r => r.Route.Path.ToString(), StringComparer.Ordinal);
        return _routes[floatingIP.Uid] = new HeldRoutes(wanted, confirmed.Count + elsewhere.Count, [.. all.Select(r => Body(r.Route, r.Here))], left);
    }

    /// <summary>The routes that only the engine of a control node that is gone may still announce: routers have them as long as it lives.</summary>
    private IEnumerable<FloatingIPRoute> LeftBehind(FloatingIP floatingIP)
    {
        if (floatingIP.ExternalNetwork is not { } id || state.Resources.ExternalNetwork(id) is not { } network) return [];
        return state.Others.PathsOfGone(floatingIP.Uid).Where(p => p.RoutingInstance == network.RoutingInstance)
            .Select(p => new FloatingIPRoute(floatingIP.Uid, floatingIP.Address, "", p.NextHop, network));
    }

    private IEnumerable<LeftNextHop> NextHopsLeft(FloatingIP floatingIP) =>
        from route in RoutesOf(floatingIP).Left
        from node in state.Others.Through(floatingIP.Uid, route.Path)
        where state.Others.IsGone(node.ControlNode)
        select new LeftNextHop(node.ControlNode, route.NextHop.ToString());

    private FloatingIPRouteBody Body(FloatingIPRoute route, bool here)
    {
        var v6 = route.Address.AddressFamily == AddressFamily.InterNetworkV6;
        var vpn = route.RoutingInstance != 0;
        var family = FamilyOf(route.Address, vpn);
        // The choice depends on what is announced alone, so it is the same on the other control nodes.
        var best = !here || speaker.IsBest(KeyOf(route));
        IReadOnlyList<string> withheld = here ? [.. speaker.WithheldFrom(KeyOf(route)), .. speaker.KeptFrom(KeyOf(route))] : [];
        var nodes = new List<FloatingIPRouteControlNode>();
        if (here) nodes.Add(new(state.Self, SentTo(_sessions, family, withheld, best)));
        nodes.AddRange(state.Others.Through(route.FloatingIP, route.Path).Select(o => new FloatingIPRouteControlNode(o.ControlNode, SentTo(o.Sessions, family, withheld, best))));
        return new FloatingIPRouteBody(
            $"{route.Address}/{(v6 ? 128 : 32)}", family, route.NextHop.ToString(),
            vpn ? route.Path.ToString() : null, vpn ? MplsLabel.Of(route.RoutingInstance) : null,
            vpn ? [.. route.Network.ExportRouteTargets.Select(t => t.ToString())] : null,
            route.Network.Advertisement.LocalPreference, route.Network.Advertisement.Med, route.Weight == 0 ? null : route.Weight,
            [.. nodes.OrderBy(n => n.Name, StringComparer.Ordinal)]);
    }

    /// <summary>CN2's name of the address family of a route.</summary>
    private static string FamilyOf(IPAddress address, bool vpn) =>
        (address.AddressFamily == AddressFamily.InterNetworkV6 ? "inet6" : "inet") + (vpn ? "-vpn" : "");

    private static List<string> SentTo(IReadOnlyList<BgpSession> sessions, string family, IReadOnlyList<string> withheld, bool best) =>
        [.. sessions.Where(s => s.IsEstablished && s.Families.Contains(family) && (best || s.AddPath) && !withheld.Contains(s.Peer)).Select(s => s.Peer).Order(StringComparer.Ordinal)];

    /// <summary>The routes of a FloatingIP that speakers hold, here and elsewhere.</summary>
    /// <param name="Wanted">How many there should be.</param>
    /// <param name="InSpeaker">How many of those speakers hold.</param>
    /// <param name="Bodies">All that speakers hold, with the peers that got them.</param>
    /// <param name="Left">Those of <paramref name="Bodies"/> that nobody wants any more: <see cref="LeftBehind"/>.</param>
    private sealed record HeldRoutes(int Wanted, int InSpeaker, List<FloatingIPRouteBody> Bodies, List<FloatingIPRoute> Left);

    private static ConditionBody Body(Condition condition) => new(
        condition.Type, condition.Status.ToString(), condition.Reason, condition.Message, condition.ObservedGeneration, default);
}
