using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Keeps every announced route backed by NAT entries. Order up: entries, acknowledgement, route. Order down: route, confirmation of the
/// withdrawal, <see cref="EntryHold"/>, entries. <see cref="RouteState"/> holds the states of a route and their transitions; this class
/// feeds them the events. Pure: time and acknowledgements are arguments, and the caller carries out the collected changes.
/// Single-threaded.
/// </summary>
public sealed class RouteSequencer(IAcknowledgements acknowledgements)
{
    /// <summary>How long entries outlive the confirmed withdrawal, because routers need a moment to follow (docs/contract.md §5).</summary>
    public static readonly TimeSpan EntryHold = TimeSpan.FromSeconds(1);

    /// <summary>How long the last route of a FloatingIP waits for its successor before it is withdrawn anyway (make before break).</summary>
    public static readonly TimeSpan BreakHold = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, CompiledOwner> _compiled = [];
    private readonly Dictionary<Guid, List<SequencedRoute>> _routes = [];
    private readonly Dictionary<string, HashSet<SequencedRoute>> _awaitingEntries = [];
    private readonly HashSet<SequencedRoute> _timed = [];

    /// <summary>An owner that is given a freed address takes the held entry over.</summary>
    private readonly HeldEntries _held = new();
    private readonly ConcernedOwners _concerned = new();

    /// <summary>vRouter → the number of its announced routes.</summary>
    private readonly Dictionary<string, int> _carried = [];
    private NatEntryCollector _natEntries = new();
    private RouteChanges _changes = new();
    private HashSet<Guid> _touched = [];

    /// <summary>
    /// Until the first <see cref="TakeNatEntries"/> no vRouter was sent anything, and each gets its whole before any change: that call answers owners and no entries.
    /// </summary>
    public bool BeginsWithWholes
    {
        init => _natEntries = new NatEntryCollector(isBeforeWholes: value);
    }

    /// <summary>What each owner asks for, as last set.</summary>
    public IReadOnlyDictionary<Guid, CompiledOwner> Compiled => _compiled;

    /// <summary>Grows with each change of <see cref="Compiled"/>.</summary>
    public long CompiledVersion { get; private set; }

    /// <summary>Takes what an owner asks for now (null: nothing any more) and collects the changes that follow from the difference.</summary>
    public void Set(Guid owner, CompiledOwner? compiled, DateTimeOffset now)
    {
        _compiled.TryGetValue(owner, out var before);
        var scopes = RouteScope.AllOf(before, compiled);
        var concerned = Concerned(owner, before, compiled, scopes);
        foreach (var virtualRouter in concerned) SetOn(virtualRouter, owner, before, compiled, scopes, now);
        SetElsewhere(concerned, owner, before, compiled);

        if (compiled is null) _compiled.Remove(owner);
        else _compiled[owner] = compiled;
        CompiledVersion++;
        _concerned.Set(owner, before, compiled);

        foreach (var floatingIP in scopes.Select(s => s.FloatingIP).Distinct()) Evaluate(floatingIP, now);
        _touched.Add(owner);
    }

    /// <summary>
    /// A route found in the speaker at start. If the resources still ask for it, it stays without a new acknowledgement, because a restart
    /// of the server loses no acknowledgement (docs/contract.md §3). Answers whether they do.
    /// </summary>
    public bool Adopt(Guid floatingIP, int routingInstance, string virtualRouter)
    {
        if (RouteOf(new(floatingIP, routingInstance), virtualRouter) is not { Wanted: { } wanted } route) return false;
        SetState(route, RouteState.FoundInSpeaker(wanted));
        StopAwaiting(route);
        _touched.Add(route.Owner);
        return true;
    }

    /// <summary>The vRouter has acknowledged a message: the routes that waited for it are announced.</summary>
    public void Acknowledged(string virtualRouter, DateTimeOffset now)
    {
        if (!_awaitingEntries.TryGetValue(virtualRouter, out var waiting)) return;
        foreach (var route in waiting.Where(IsAcknowledged).ToList()) Evaluate(route.FloatingIP, now);
    }

    /// <summary>The owners with an endpoint or a route on the vRouter.</summary>
    public IReadOnlyCollection<Guid> ServedBy(string virtualRouter) => _concerned.ServedBy(virtualRouter);

    /// <summary>The vRouter refuses other entries than before: routes behind a refused one go, and those behind one that is accepted now may come.</summary>
    /// <param name="virtualRouter">Its name.</param>
    /// <param name="floatingIPs">Those of the entries for which that has changed.</param>
    /// <param name="now">The time.</param>
    public void RefusalsChanged(string virtualRouter, IEnumerable<Guid> floatingIPs, DateTimeOffset now)
    {
        foreach (var floatingIP in floatingIPs)
        {
            if (_routes.TryGetValue(floatingIP, out var routes) && routes.Exists(r => r.VirtualRouter == virtualRouter)) Evaluate(floatingIP, now);
        }
    }

    /// <summary>The speaker announces these routes now.</summary>
    public void Announced(IEnumerable<FloatingIPRoute> routes, DateTimeOffset now)
    {
        foreach (var announced in routes)
        {
            if (RouteOf(announced) is not { State.AnnouncedRoute: not null } route) continue;
            Move(route, new(route.State.SpeakerAnnounced(announced)));
            _touched.Add(route.Owner);
            Evaluate(route.FloatingIP, now);
        }
    }

    /// <summary>The speaker no longer announces these routes.</summary>
    public void Withdrawn(IEnumerable<FloatingIPRoute> routes, DateTimeOffset now)
    {
        foreach (var withdrawn in routes)
        {
            if (RouteOf(withdrawn) is not { } route) continue;
            Move(route, new(route.State.SpeakerWithdrew(withdrawn, now)));
            _touched.Add(route.Owner);
        }
    }

    /// <summary>
    /// The speaker refuses these routes and has withdrawn any earlier version of them. They are announced again only when the resources
    /// ask for something else.
    /// </summary>
    public void Refused(IEnumerable<FloatingIPRoute> routes)
    {
        foreach (var refused in routes)
        {
            if (RouteOf(refused) is not { } route) continue;
            Move(route, new(route.State.SpeakerRefused(refused)));
            _touched.Add(route.Owner);
        }
    }

    /// <summary>
    /// When the first hold is over, as the last <see cref="Tick"/> left it; null: nothing is held. It is in the past when it could not be judged then, for want of a reading
    /// of what others announce.
    /// </summary>
    public DateTimeOffset? HoldEndsAt { get; private set; }

    /// <summary>Does what is due, and answers when to call again, or null.</summary>
    /// <param name="now">The time.</param>
    /// <param name="othersReadAt">
    /// As of when <see cref="IAcknowledgements.AnnouncedElsewhere"/> is known: a hold ends by a reading that began when it was over, so that a route which another speaker has
    /// got in the meantime keeps its entries. The caller reads at <see cref="HoldEndsAt"/> and calls again.
    /// </param>
    public DateTimeOffset? Tick(DateTimeOffset now, DateTimeOffset othersReadAt)
    {
        DateTimeOffset? next = null;
        HoldEndsAt = null;
        foreach (var route in _timed.ToList())
        {
            if (route.State is RouteState.Holding)
            {
                var elsewhere = acknowledgements.AnnouncedElsewhere(route.FloatingIP, route.VirtualRouter);
                Move(route, new(route.State.TimePassed(elsewhere, elsewhere ? now : othersReadAt)));
                if (!route.State.NeedsEntries) Release(route);
            }
            else if (route.State.DueAt <= now)
            {
                Evaluate(route.FloatingIP, now);
            }

            if (route.State is RouteState.Holding { Until: var until }) HoldEndsAt = HoldEndsAt < until ? HoldEndsAt : until;
            if (route.State.DueAt is not { } due) _timed.Remove(route);
            else if (due > now) next = next < due ? next : due;
        }

        return next;
    }

    /// <summary>No route of this FloatingIP may be in the speaker, and no entry is held for it.</summary>
    public bool IsQuiet(Guid floatingIP) => !_routes.TryGetValue(floatingIP, out var routes) || routes.TrueForAll(r => !r.State.NeedsEntries);

    /// <summary>How many routes of a FloatingIP the resources ask for, and the routes that the speaker has confirmed.</summary>
    public (int Wanted, IReadOnlyList<FloatingIPRoute> Confirmed) RoutesOf(Guid floatingIP) =>
        _routes.TryGetValue(floatingIP, out var routes)
            ? (routes.Count(r => r.Wanted is not null), [.. routes.Select(r => r.State.ConfirmedRoute).OfType<FloatingIPRoute>()])
            : (0, []);

    /// <summary>The routes of a FloatingIP that the resources ask for and that the speaker has not confirmed.</summary>
    public IEnumerable<FloatingIPRoute> UnconfirmedOf(Guid floatingIP) =>
        _routes.TryGetValue(floatingIP, out var routes)
            ? routes.Where(r => r.State.ConfirmedRoute is null).Select(r => r.Wanted).OfType<FloatingIPRoute>()
            : [];

    /// <summary>The speaker may have a route of this FloatingIP.</summary>
    public bool MayBeInSpeaker(Guid floatingIP) => _routes.TryGetValue(floatingIP, out var routes) && routes.Exists(r => r.State.MayBeInSpeaker);

    /// <summary>The FloatingIP has a route in this RoutingInstance, or will have one, or its entries there are still held.</summary>
    public bool IsIn(Guid floatingIP, int routingInstance) =>
        _routes.TryGetValue(floatingIP, out var routes) && routes.Exists(r => r.Scope.RoutingInstance == routingInstance);

    /// <summary>A route waits for an acknowledgement of this vRouter.</summary>
    public bool Awaits(string virtualRouter) => _awaitingEntries.TryGetValue(virtualRouter, out var waiting) && waiting.Count > 0;

    /// <summary>All routes that the speaker was asked to announce.</summary>
    public IEnumerable<FloatingIPRoute> AnnouncedRoutes => _routes.Values.SelectMany(r => r).Select(r => r.State.AnnouncedRoute).OfType<FloatingIPRoute>();

    /// <summary>The vRouters through which the speaker was asked to announce routes.</summary>
    public IReadOnlyCollection<string> Carriers => _carried.Keys;

    /// <summary>
    /// The entries of the owners that the vRouter has an endpoint or a route of: what the resources ask for, and what is held. Of the other owners it has <see cref="NatEntryProjection.Elsewhere"/>, as every vRouter
    /// does.
    /// </summary>
    public (IReadOnlySet<Guid> Owners, IReadOnlyCollection<VirtualRouterNatEntry> Entries) OwnEntriesOf(string virtualRouter)
    {
        var owners = new HashSet<Guid>(_concerned.On(virtualRouter));
        var holding = _held.On(virtualRouter);
        owners.UnionWith(holding.Select(r => r.Owner));
        var entries = new List<VirtualRouterNatEntry>();
        foreach (var owner in owners)
        {
            foreach (var natEntry in _compiled.GetValueOrDefault(owner)?.NatEntries ?? [])
            {
                if (!IsHeld(RouteScope.Of(natEntry), virtualRouter) && natEntry.On(virtualRouter) is { } entry) entries.Add(entry);
            }
        }

        foreach (var route in holding) entries.AddRange(route.HeldEntries);
        return (owners, entries);
    }

    /// <summary>The vRouter has entries with a backend behind a route of this FloatingIP there, or is to get them: the resources ask for them, or they are held.</summary>
    public bool Carries(Guid owner, Guid floatingIP, int routingInstance, string virtualRouter)
    {
        var scope = new RouteScope(floatingIP, routingInstance);
        return IsHeld(scope, virtualRouter) || Carries(scope, Project(_compiled.GetValueOrDefault(owner), virtualRouter));
    }

    /// <summary>The changes to send to each vRouter since the last call.</summary>
    /// <param name="sharedFrom">From so many changes for all on, vRouters that also get some of their own have them as <see cref="NatEntryChanges.Common"/>.</param>
    public NatEntryChangeSet TakeNatEntries(int sharedFrom) => Exchange(ref _natEntries, new NatEntryCollector()).Take(new CommonChanges(sharedFrom, EntryOn));

    /// <summary>
    /// The changes to send to these vRouters; those for the others stay. A message to a vRouter must bring it all that is there for it, because what waits for its next
    /// message waits for this one.
    /// </summary>
    /// <param name="virtualRouters">Their names.</param>
    /// <param name="getsDelta">The vRouter is sent its changes: it is there, and does not get the whole.</param>
    /// <param name="sharedFrom">As of <see cref="TakeNatEntries"/>.</param>
    public NatEntryChangeSet TakeNatEntriesFor(IReadOnlyCollection<string> virtualRouters, Predicate<string> getsDelta, int sharedFrom) =>
        _natEntries.TakeFor(virtualRouters, getsDelta, new CommonChanges(sharedFrom, EntryOn));

    /// <summary>The vRouters for which there are changes of their own.</summary>
    public IEnumerable<string> ChangedVirtualRouters => _natEntries.ChangedByName;

    /// <summary>There are changes for vRouters that are not told apart.</summary>
    public bool HasCommonNatEntries => _natEntries.HasEverywhere;

    /// <summary>The owners of these changes.</summary>
    public IReadOnlySet<Guid> OwnersOfCommonNatEntries => _natEntries.OwnersEverywhere;

    /// <summary>One of these changes is in a RoutingInstance.</summary>
    public bool CommonNatEntriesReachVpns => _natEntries.ReachesVpns;

    /// <summary>The changes to send to the speaker since the last call.</summary>
    public RouteChanges TakeRoutes() => Exchange(ref _changes, new RouteChanges());

    /// <summary>Owners whose status may have changed since the last call.</summary>
    public IReadOnlyCollection<Guid> TakeTouchedOwners() => Exchange(ref _touched, []);

    /// <summary>What the vRouter has of the owner under this key: what is held, or what the owner asks for.</summary>
    private VirtualRouterNatEntry? EntryOn(string virtualRouter, Guid owner, NatEntryKey key)
    {
        foreach (var route in _held.Of(key))
            if (route.VirtualRouter == virtualRouter) return route.HeldEntries.First(e => e.Key == key);
        foreach (var natEntry in _compiled.GetValueOrDefault(owner)?.NatEntries ?? [])
            if (natEntry.Key == key) return IsHeld(RouteScope.Of(natEntry), virtualRouter) ? null : natEntry.On(virtualRouter);
        return null;
    }

    /// <summary>
    /// The vRouters on which the owner's entries or routes differ from those of the others: the ones of its endpoints and routes, and those that its entries name. All of
    /// them, where a FloatingIP passes from one owner to another.
    /// </summary>
    private HashSet<string> Concerned(Guid owner, CompiledOwner? before, CompiledOwner? after, List<RouteScope> scopes)
    {
        if (MovedOnly(before, after) is { } moved && scopes.TrueForAll(s => !_routes.TryGetValue(s.FloatingIP, out var routes) || routes.TrueForAll(r => r.Owner == owner))) return moved;
        var names = new HashSet<string>();
        if (before is not null) ConcernedOwners.AddVirtualRoutersOf(before, names);
        if (after is not null) ConcernedOwners.AddVirtualRoutersOf(after, names);
        foreach (var scope in scopes)
        {
            if (!_routes.TryGetValue(scope.FloatingIP, out var routes)) continue;
            names.UnionWith(routes.Select(r => r.VirtualRouter));
            if (routes.Exists(r => r.Owner != owner)) names.UnionWith(acknowledgements.VirtualRouters);
        }

        return names;
    }

    /// <summary>
    /// The vRouters that get or lose entries of the owner, where nothing else has changed; null: something else has. All owners of a namespace are set when it comes to a
    /// vRouter, and this must not cost each of them as much as the namespace has vRouters.
    /// </summary>
    private static HashSet<string>? MovedOnly(CompiledOwner? before, CompiledOwner? after)
    {
        if (before is null || after is null || before.NatEntries.Count != after.NatEntries.Count || !before.Routes.Equals(after.Routes)) return null;
        HashSet<string> moved = [];
        for (var i = 0; i < before.NatEntries.Count; i++)
        {
            var (from, to) = (before.NatEntries[i], after.NatEntries[i]);
            if (from.OnlyOn is null != to.OnlyOn is null || !from.IsSameButForOnlyOn(to)) return null;
            if (from.OnlyOn is not { } left || to.OnlyOn is not { } come || ReferenceEquals(left, come)) continue;
            moved.UnionWith(left.Except(come));
            moved.UnionWith(come.Except(left));
        }

        return moved.Count > 0 ? moved : null;
    }

    /// <summary>
    /// Carries an owner's change over to one vRouter. The entries that the vRouter has before and after are compared, so the decisions about
    /// each route stand between the two. The mark comes last, because it names the message that will carry the difference.
    /// </summary>
    private void SetOn(string virtualRouter, Guid owner, CompiledOwner? before, CompiledOwner? after, List<RouteScope> scopes, DateTimeOffset now)
    {
        var askedBefore = Project(before, virtualRouter);
        var asked = Project(after, virtualRouter);
        var had = WithHeld(askedBefore, scopes, virtualRouter);
        foreach (var scope in scopes)
        {
            var wanted = after?.Routes.FirstOrDefault(r => RouteScope.Of(r) == scope && r.VirtualRouter == virtualRouter);
            if (TakeOver(owner, scope, virtualRouter, wanted, asked) is { } route) HoldIfNeeded(route, askedBefore, asked, now);
        }

        Collect(owner, virtualRouter, had, WithHeld(asked, scopes, virtualRouter));
        foreach (var scope in scopes)
        {
            if (RouteOf(scope, virtualRouter) is { } route && route.Owner == owner) Mark(route, asked);
        }
    }

    /// <summary>Carries an owner's change over to all vRouters but those that it concerns: they have no route of it and nothing held, and all the same entries.</summary>
    private void SetElsewhere(HashSet<string> concerned, Guid owner, CompiledOwner? before, CompiledOwner? after)
    {
        Dictionary<NatEntryKey, VirtualRouterNatEntry>? had = null;
        foreach (var natEntry in before?.NatEntries ?? [])
        {
            if (natEntry.Elsewhere() is { } entry) (had ??= [])[entry.Key] = entry;
        }

        foreach (var natEntry in after?.NatEntries ?? [])
        {
            if (natEntry.Elsewhere() is not { } entry || (had?.Remove(entry.Key, out var old) == true && old.Equals(entry))) continue;
            var scope = RouteScope.Of(natEntry);
            if (_held.Of(entry.Key) is { Count: > 0 } holders) TakeFromHolders(holders, concerned, scope, entry.Key);
            _natEntries.PutElsewhere(concerned, owner, entry);
        }

        foreach (var key in had?.Keys ?? Enumerable.Empty<NatEntryKey>()) _natEntries.RemoveElsewhere(concerned, owner, key);
    }

    private static List<VirtualRouterEntry> Project(CompiledOwner? compiled, string virtualRouter)
    {
        var entries = new List<VirtualRouterEntry>();
        foreach (var natEntry in compiled?.NatEntries ?? [])
        {
            if (natEntry.On(virtualRouter) is { } entry) entries.Add(new VirtualRouterEntry(RouteScope.Of(natEntry), entry, Held: false));
        }

        return entries;
    }

    /// <summary>What the vRouter carries for an owner that asks for <paramref name="asked"/>: in a scope with held entries, these instead.</summary>
    private List<VirtualRouterEntry> WithHeld(List<VirtualRouterEntry> asked, List<RouteScope> scopes, string virtualRouter)
    {
        if (!scopes.Exists(s => IsHeld(s, virtualRouter))) return asked;
        var entries = asked.FindAll(e => !IsHeld(e.Scope, virtualRouter));
        foreach (var scope in scopes)
        {
            foreach (var held in RouteOf(scope, virtualRouter)?.HeldEntries ?? []) entries.Add(new VirtualRouterEntry(scope, held, Held: true));
        }

        return entries;
    }

    /// <summary>The route of a scope with what the owner asks for; null when there is none or it belongs to another owner now.</summary>
    private SequencedRoute? TakeOver(Guid owner, RouteScope scope, string virtualRouter, FloatingIPRoute? wanted, List<VirtualRouterEntry> asked)
    {
        var route = RouteOf(scope, virtualRouter);
        if (route is null)
        {
            if (wanted is null) return null;
            route = new SequencedRoute(scope, virtualRouter);
            if (!_routes.TryGetValue(scope.FloatingIP, out var routes)) _routes[scope.FloatingIP] = routes = new List<SequencedRoute>(1);
            routes.Add(route);
        }
        else if (wanted is null && route.Owner != owner && !asked.Exists(e => e.Scope == scope))
        {
            return null;
        }

        route.Owner = owner;
        route.Wanted = wanted;
        return route;
    }

    /// <summary>A route that loses its last entry with a backend keeps the old entries for as long as it needs them, here or at another replica.</summary>
    private void HoldIfNeeded(SequencedRoute route, List<VirtualRouterEntry> askedBefore, List<VirtualRouterEntry> asked, DateTimeOffset now)
    {
        if (Carries(route, asked))
        {
            // Another replica may have taken them out, so what was acknowledged before says nothing.
            if (route.HeldEntries.Count > 0 && !acknowledgements.IsServedHere(route.VirtualRouter)) route.EntriesMark = null;
            _held.Set(route, []);
            return;
        }

        if (!route.State.NeedsEntries && Carries(route, askedBefore)) Move(route, new(route.State.EntriesGo(acknowledgements.AnnouncedElsewhere(route.FloatingIP, route.VirtualRouter), now)));
        if (route is { State.NeedsEntries: true, HeldEntries.Count: 0 })
        {
            _held.Set(route, askedBefore.Where(e => e.Scope == route.Scope && !_natEntries.IsPutByOther(route.VirtualRouter, route.Owner, e.Entry.Key)).Select(e => e.Entry));
        }
    }

    /// <summary>The vRouter gets an entry, instead of one with its key that is held for another FloatingIP whose address was freed.</summary>
    private void Put(string virtualRouter, Guid owner, RouteScope? scope, VirtualRouterNatEntry entry)
    {
        if (_held.Of(entry.Key).FirstOrDefault(r => r.VirtualRouter == virtualRouter) is { } route) TakeFromHolder(route, scope, entry.Key);
        _natEntries.Put(virtualRouter, owner, entry);
    }

    private void TakeFromHolders(IReadOnlyList<SequencedRoute> holders, HashSet<string> except, RouteScope? scope, NatEntryKey key)
    {
        foreach (var route in holders.ToList())
        {
            if (!except.Contains(route.VirtualRouter)) TakeFromHolder(route, scope, key);
        }
    }

    private void TakeFromHolder(SequencedRoute route, RouteScope? scope, NatEntryKey key)
    {
        if (route.Scope != scope) _held.Set(route, route.HeldEntries.Where(e => e.Key != key).ToList());
    }

    /// <summary>Notes the message that brings the entries to the vRouter. Entries that are changed later keep the first one's mark.</summary>
    private void Mark(SequencedRoute route, List<VirtualRouterEntry> asked)
    {
        if (Carries(route, asked)) route.EntriesMark ??= acknowledgements.MarkOf(route.VirtualRouter, _natEntries.HasAny(route.VirtualRouter));
        else if (!route.State.NeedsEntries) route.EntriesMark = null;
    }

    private static bool Carries(SequencedRoute route, List<VirtualRouterEntry> asked) => Carries(route.Scope, asked);

    private static bool Carries(RouteScope scope, List<VirtualRouterEntry> asked) => asked.Exists(e => e.Scope == scope && e.Entry.Carries);

    /// <summary>Collects the difference between the entries that a vRouter has of an owner and those it should have.</summary>
    private void Collect(Guid owner, string virtualRouter, List<VirtualRouterEntry> had, List<VirtualRouterEntry> should)
    {
        var before = new Dictionary<NatEntryKey, VirtualRouterEntry>(had.Count);
        foreach (var entry in had) before[entry.Entry.Key] = entry;
        foreach (var (scope, entry, held) in should)
        {
            // Entries that were held are sent again, so that the acknowledgement counts for their owner of today.
            var same = before.Remove(entry.Key, out var old) && old.Entry.Equals(entry) && (held || !old.Held);
            if (!same) Put(virtualRouter, owner, scope, entry);
        }

        foreach (var (scope, entry, _) in before.Values)
        {
            if (!HasOtherOwner(owner, scope, entry.Key, virtualRouter)) _natEntries.Remove(virtualRouter, owner, entry.Key);
        }
    }

    /// <summary>The entry is another owner's by now: by its route or, on a vRouter without one, because the owner of the others asks for it.</summary>
    private bool HasOtherOwner(Guid owner, RouteScope? scope, NatEntryKey key, string virtualRouter)
    {
        if (scope is not { } s || !_routes.TryGetValue(s.FloatingIP, out var routes)) return false;
        if (RouteOf(s, virtualRouter) is { } route) return route.Owner != owner;
        return routes.Exists(r => r.Scope == s && r.Owner != owner && _compiled.TryGetValue(r.Owner, out var other)
            && other.NatEntries.Any(e => e.Key == key && e.On(virtualRouter) is not null));
    }

    private bool IsHeld(RouteScope? scope, string virtualRouter) =>
        scope is { } s && RouteOf(s, virtualRouter) is { HeldEntries.Count: > 0 };

    /// <summary>Moves the routes of a FloatingIP towards what the resources ask for. Wanted routes come first: a withdrawal may wait for them.</summary>
    private void Evaluate(Guid floatingIP, DateTimeOffset now)
    {
        if (!_routes.TryGetValue(floatingIP, out var routes)) return;
        foreach (var route in routes)
        {
            if (route.Wanted is not { } wanted) continue;
            if (IsRefused(route))
            {
                // It waits like one without entries. What is announced goes: packets would find an old entry at best.
                if (route.State.AnnouncedRoute is not null)
                {
                    Move(route, route.State.Unwanted(IsSuccessorOnItsWay(routes) && acknowledgements.IsReachable(route.VirtualRouter), now));
                    _touched.Add(route.Owner);
                }

                Await(route);
                continue;
            }

            Move(route, route.State.Wanted(wanted, entriesAcknowledged: route.State is RouteState.Announced || IsAcknowledged(route)));
            if (route.State is not RouteState.Announced) Await(route);
        }

        foreach (var route in routes)
        {
            if (route.Wanted is not null) continue;
            StopAwaiting(route);
            if (route.State.AnnouncedRoute is null) continue;
            Move(route, route.State.Unwanted(IsSuccessorOnItsWay(routes) && acknowledgements.IsReachable(route.VirtualRouter), now));
        }

        foreach (var done in routes.FindAll(r => r.IsDone)) Forget(done);
    }

    private bool IsSuccessorOnItsWay(List<SequencedRoute> routes)
    {
        var (waits, serves) = (false, false);
        foreach (var route in routes)
        {
            if (route.Wanted is null || IsRefused(route)) continue;
            waits |= route.State.ConfirmedRoute is null;
            serves |= route.State.ConfirmedRoute is not null;
        }

        return waits && !serves;
    }

    /// <summary>The vRouter refuses one of the entries that belong to the route.</summary>
    private bool IsRefused(SequencedRoute route)
    {
        if (!acknowledgements.RefusesAny(route.VirtualRouter)) return false;
        foreach (var natEntry in _compiled.GetValueOrDefault(route.Owner)?.NatEntries ?? [])
        {
            if (RouteScope.Of(natEntry) == route.Scope && acknowledgements.IsRefused(route.VirtualRouter, natEntry.Key) && natEntry.On(route.VirtualRouter) is not null) return true;
        }

        return false;
    }

    private void SetState(SequencedRoute route, RouteState state)
    {
        var (before, after) = (route.State.AnnouncedRoute is not null, state.AnnouncedRoute is not null);
        route.State = state;
        if (before == after) return;
        var count = _carried.GetValueOrDefault(route.VirtualRouter) + (after ? 1 : -1);
        if (count == 0) _carried.Remove(route.VirtualRouter);
        else _carried[route.VirtualRouter] = count;
    }

    /// <summary>Takes the next state, and collects what the speaker has to do for it.</summary>
    private void Move(SequencedRoute route, RouteStep step)
    {
        SetState(route, step.Next);
        if (step.Withdraw is { } withdraw) _changes.Add(withdraw, announce: false);
        if (step.Announce is { } announce)
        {
            StopAwaiting(route);
            _changes.Add(announce, announce: true);
        }

        if (step.Next.DueAt is not null) _timed.Add(route);
    }

    /// <summary>The hold is over: the entries become what the resources ask for, which may be draining entries without a backend.</summary>
    private void Release(SequencedRoute route)
    {
        if (route.HeldEntries.Count > 0)
        {
            foreach (var held in route.HeldEntries) _natEntries.Remove(route.VirtualRouter, route.Owner, held.Key);
            _held.Set(route, []);
            route.EntriesMark = null;
            foreach (var (scope, entry, _) in Project(_compiled.GetValueOrDefault(route.Owner), route.VirtualRouter))
            {
                if (scope == route.Scope) Put(route.VirtualRouter, route.Owner, scope, entry);
            }
        }

        _touched.Add(route.Owner);
        if (route.IsDone) Forget(route);
    }

    private void Forget(SequencedRoute route)
    {
        StopAwaiting(route);
        if (!_routes.TryGetValue(route.FloatingIP, out var routes)) return;
        routes.Remove(route);
        if (routes.Count == 0) _routes.Remove(route.FloatingIP);
    }

    private void Await(SequencedRoute route)
    {
        if (!_awaitingEntries.TryGetValue(route.VirtualRouter, out var waiting)) _awaitingEntries[route.VirtualRouter] = waiting = [];
        waiting.Add(route);
    }

    private void StopAwaiting(SequencedRoute route)
    {
        if (_awaitingEntries.TryGetValue(route.VirtualRouter, out var waiting)) waiting.Remove(route);
    }

    private bool IsAcknowledged(SequencedRoute route) =>
        route.EntriesMark is { } mark && acknowledgements.IsAcknowledged(route.VirtualRouter, mark);

    private SequencedRoute? RouteOf(FloatingIPRoute route) => RouteOf(RouteScope.Of(route), route.VirtualRouter);

    private SequencedRoute? RouteOf(RouteScope scope, string virtualRouter) =>
        _routes.TryGetValue(scope.FloatingIP, out var routes) ? routes.Find(r => r.Scope == scope && r.VirtualRouter == virtualRouter) : null;

    private static T Exchange<T>(ref T field, T value)
    {
        var taken = field;
        field = value;
        return taken;
    }

    /// <summary>An entry that one vRouter has or should have; <paramref name="Scope"/> null: a node port.</summary>
    private readonly record struct VirtualRouterEntry(RouteScope? Scope, VirtualRouterNatEntry Entry, bool Held);
}
