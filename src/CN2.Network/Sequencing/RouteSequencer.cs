using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Puts compiled wishes into the order that never leaves a route without the entries behind it: entries, acknowledgement, route;
/// and back: route, confirmation, <see cref="EntryHold"/>, entries. Pure: time and acknowledgements come as arguments, effects are
/// collected for the caller to carry out. Single-threaded.
/// </summary>
public sealed class RouteSequencer(IAcknowledgements acknowledgements)
{
    /// <summary>How long entries outlive the confirmed withdrawal: routers need a moment (contract §5).</summary>
    public static readonly TimeSpan EntryHold = TimeSpan.FromSeconds(1);

    /// <summary>How long a last route waits for its successor before it goes anyway (make before break).</summary>
    public static readonly TimeSpan BreakHold = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, CompiledOwner> _compiled = [];
    private readonly Dictionary<Guid, List<Lane>> _lanes = [];
    private readonly Dictionary<string, HashSet<Lane>> _awaitingEntry = [];
    private readonly HashSet<Lane> _timed = [];
    private Dictionary<string, NatEntryChanges> _natEntries = [];
    private RouteChanges _routes = new();
    private HashSet<Guid> _touched = [];

    /// <summary>The wishes as last set.</summary>
    public IReadOnlyDictionary<Guid, CompiledOwner> Compiled => _compiled;

    /// <summary>Takes an owner's newly compiled wishes (null: it asks nothing any more) and collects what follows from the difference.</summary>
    public void Set(Guid owner, CompiledOwner? compiled, DateTimeOffset now)
    {
        _compiled.TryGetValue(owner, out var before);
        var scopes = ScopesOf(before, compiled);
        foreach (var virtualRouter in Affected(before, compiled, scopes))
        {
            var old = Project(before, virtualRouter);
            var @new = Project(compiled, virtualRouter);
            foreach (var scope in scopes) PrepareLane(owner, scope, virtualRouter, compiled, old, @new);
            CollectEntries(owner, virtualRouter, old, @new);
            foreach (var scope in scopes) SettleLane(scope, virtualRouter, @new);
        }

        if (compiled is null) _compiled.Remove(owner);
        else _compiled[owner] = compiled;

        foreach (var floatingIP in scopes.Select(s => s.FloatingIP).Distinct()) Evaluate(floatingIP, now);
        _touched.Add(owner);
    }

    /// <summary>
    /// A route found in the speaker at start. When the resources still want it, it stays without waiting for an acknowledgement
    /// (a restart of the server is no loss of acknowledgement, contract §3) and true is answered.
    /// </summary>
    public bool Adopt(Guid floatingIP, int routingInstance, string virtualRouter)
    {
        if (LaneOf(new(floatingIP, routingInstance), virtualRouter) is not { Wanted: not null } lane) return false;
        lane.Announced = lane.Confirmed = lane.Wanted;
        StopAwaiting(lane);
        _touched.Add(lane.Owner);
        return true;
    }

    /// <summary>The vRouter has acknowledged something: lanes that waited for it may announce.</summary>
    public void Acknowledged(string virtualRouter, DateTimeOffset now)
    {
        if (!_awaitingEntry.TryGetValue(virtualRouter, out var lanes)) return;
        foreach (var lane in lanes.Where(IsAcknowledged).ToList()) Evaluate(lane.FloatingIP, now);
    }

    /// <summary>The speaker holds these routes now.</summary>
    public void Announced(IEnumerable<FloatingIPRoute> routes, DateTimeOffset now)
    {
        foreach (var route in routes)
        {
            if (LaneOf(route) is not { Announced: not null } lane) continue;
            lane.Confirmed = route;
            _touched.Add(lane.Owner);
            Evaluate(route.FloatingIP, now);
        }
    }

    /// <summary>The speaker no longer holds these routes.</summary>
    public void Withdrawn(IEnumerable<FloatingIPRoute> routes, DateTimeOffset now)
    {
        foreach (var route in routes)
        {
            // Skip a route that is announced again meanwhile, and a next hop that was given up before.
            if (LaneOf(route) is not { Announced: null, Withdrawing: { } withdrawing } lane) continue;
            if (!withdrawing.NextHop.Equals(route.NextHop)) continue;
            lane.Confirmed = null;
            lane.Withdrawing = null;
            lane.WithdrawnAt = now;
            _timed.Add(lane);
            _touched.Add(lane.Owner);
        }
    }

    /// <summary>
    /// The speaker refuses these routes and has withdrawn any earlier version of them. They are announced again only when the resources
    /// ask for something else.
    /// </summary>
    public void Refused(IEnumerable<FloatingIPRoute> routes)
    {
        foreach (var route in routes)
        {
            // Skip the answer to a route that another one has replaced since.
            if (LaneOf(route) is not { } lane || (lane.Announced is { } announced && announced.Path != route.Path)) continue;
            lane.Confirmed = null;
            _touched.Add(lane.Owner);
        }
    }

    /// <summary>Does what is due and answers when to come again, or null.</summary>
    public DateTimeOffset? Tick(DateTimeOffset now)
    {
        DateTimeOffset? next = null;
        foreach (var lane in _timed.ToList())
        {
            if (lane.WithdrawnAt is { } withdrawn)
            {
                if (acknowledgements.AnnouncedElsewhere(lane.FloatingIP, lane.VirtualRouter)) lane.WithdrawnAt = withdrawn = now;
                if (withdrawn + EntryHold <= now) Release(lane);
                else next = Earlier(next, withdrawn + EntryHold);
            }

            if (lane.BreakDeadline is { } deadline)
            {
                if (deadline <= now) Evaluate(lane.FloatingIP, now);
                else next = Earlier(next, deadline);
            }

            if (lane is { WithdrawnAt: null, BreakDeadline: null }) _timed.Remove(lane);
        }

        return next;
    }

    /// <summary>No route of this FloatingIP may be in the speaker, and no entry is held for it.</summary>
    public bool IsQuiet(Guid floatingIP) =>
        !_lanes.TryGetValue(floatingIP, out var lanes) || lanes.TrueForAll(l => !l.NeedsEntries && l.Held.Count == 0);

    /// <summary>How many routes of a FloatingIP are wanted, and those the speaker has confirmed.</summary>
    public (int Wanted, IReadOnlyList<FloatingIPRoute> Confirmed) RoutesOf(Guid floatingIP) =>
        _lanes.TryGetValue(floatingIP, out var lanes)
            ? (lanes.Count(l => l.Wanted is not null), [.. lanes.Select(l => l.Confirmed).OfType<FloatingIPRoute>()])
            : (0, []);

    /// <summary>The routes of a FloatingIP that are wanted and that the speaker has not confirmed.</summary>
    public IEnumerable<FloatingIPRoute> UnconfirmedOf(Guid floatingIP) =>
        _lanes.TryGetValue(floatingIP, out var lanes) ? lanes.Where(l => l.Confirmed is null).Select(l => l.Wanted).OfType<FloatingIPRoute>() : [];

    /// <summary>The speaker may hold a route of this FloatingIP.</summary>
    public bool MayBeInSpeaker(Guid floatingIP) => _lanes.TryGetValue(floatingIP, out var lanes) && lanes.Exists(l => l.InSpeaker);

    /// <summary>The FloatingIP has, had a moment ago, or is about to have a route or entries in this RoutingInstance.</summary>
    public bool IsIn(Guid floatingIP, int routingInstance) =>
        _lanes.TryGetValue(floatingIP, out var lanes) && lanes.Exists(l => l.Scope.RoutingInstance == routingInstance);

    /// <summary>A route waits for this vRouter to acknowledge.</summary>
    public bool Awaits(string virtualRouter) => _awaitingEntry.TryGetValue(virtualRouter, out var waiting) && waiting.Count > 0;

    /// <summary>All routes that the speaker was asked to announce.</summary>
    public IEnumerable<FloatingIPRoute> AnnouncedRoutes => _lanes.Values.SelectMany(l => l).Select(l => l.Announced).OfType<FloatingIPRoute>();

    /// <summary>Everything one vRouter carries: what the resources ask for, and what is held.</summary>
    public IEnumerable<VirtualRouterNatEntry> EntriesOf(string virtualRouter)
    {
        foreach (var compiled in _compiled.Values)
        {
            foreach (var natEntry in compiled.NatEntries)
            {
                if (!IsHeld(ScopeOf(natEntry), virtualRouter) && natEntry.On(virtualRouter) is { } entry) yield return entry;
            }
        }

        foreach (var lane in _lanes.Values.SelectMany(l => l))
        {
            if (lane.VirtualRouter != virtualRouter) continue;
            foreach (var entry in lane.Held) yield return entry;
        }
    }

    /// <summary>The changes to send to each vRouter since the last call.</summary>
    public IReadOnlyDictionary<string, NatEntryChanges> TakeNatEntries() => Exchange(ref _natEntries, []);

    /// <summary>The changes to send to the speaker since the last call.</summary>
    public RouteChanges TakeRoutes() => Exchange(ref _routes, new RouteChanges());

    /// <summary>Owners whose status may have changed since the last call.</summary>
    public IReadOnlyCollection<Guid> TakeTouchedOwners() => Exchange(ref _touched, []);

    private static List<LaneScope> ScopesOf(CompiledOwner? before, CompiledOwner? after) =>
        [.. Both(before, after).SelectMany(c => c.NatEntries.Select(ScopeOf).OfType<LaneScope>().Concat(c.Routes.Select(ScopeOf))).Distinct()];

    private static LaneScope? ScopeOf(NatEntry natEntry) =>
        natEntry.FloatingIP is { } floatingIP ? new LaneScope(floatingIP, natEntry.Key.RoutingInstance) : null;

    private static LaneScope ScopeOf(FloatingIPRoute route) => new(route.FloatingIP, route.RoutingInstance);

    private IReadOnlyCollection<string> Affected(CompiledOwner? before, CompiledOwner? after, List<LaneScope> scopes)
    {
        if (Both(before, after).Any(c => c.NatEntries.Any(f => f.Scope == NatEntryScope.EveryVirtualRouter))) return acknowledgements.VirtualRouters;
        var names = new HashSet<string>();
        foreach (var compiled in Both(before, after))
        {
            foreach (var natEntry in compiled.NatEntries) names.UnionWith(natEntry.Backends.Concat(natEntry.Draining).Select(b => b.VirtualRouter));
            names.UnionWith(compiled.Routes.Select(r => r.VirtualRouter));
        }

        foreach (var floatingIP in scopes.Select(s => s.FloatingIP))
        {
            if (_lanes.TryGetValue(floatingIP, out var lanes)) names.UnionWith(lanes.Select(l => l.VirtualRouter));
        }

        return names;
    }

    private static IEnumerable<CompiledOwner> Both(CompiledOwner? before, CompiledOwner? after)
    {
        if (before is not null) yield return before;
        if (after is not null) yield return after;
    }

    private static List<Projected> Project(CompiledOwner? compiled, string virtualRouter)
    {
        var entries = new List<Projected>();
        foreach (var natEntry in compiled?.NatEntries ?? [])
        {
            if (natEntry.On(virtualRouter) is { } entry) entries.Add(new Projected(ScopeOf(natEntry), entry));
        }

        return entries;
    }

    /// <summary>Takes over what is wanted, and decides whether the old entries must be held for the sake of the route.</summary>
    private void PrepareLane(
        Guid owner, LaneScope scope, string virtualRouter, CompiledOwner? compiled, List<Projected> old, List<Projected> @new)
    {
        var wanted = compiled?.Routes.FirstOrDefault(r => ScopeOf(r) == scope && r.VirtualRouter == virtualRouter);
        var lane = LaneOf(scope, virtualRouter);
        if (lane is null)
        {
            if (wanted is null) return;
            lane = new Lane(scope, virtualRouter);
            if (!_lanes.TryGetValue(scope.FloatingIP, out var lanes)) _lanes[scope.FloatingIP] = lanes = new List<Lane>(1);
            lanes.Add(lane);
        }
        else if (wanted is null && lane.Owner != owner && !@new.Exists(e => e.Scope == scope))
        {
            return; // another owner has taken the FloatingIP over
        }

        lane.Owner = owner;
        lane.Wanted = wanted;
        var carries = @new.Exists(e => e.Scope == scope && e.Entry.Carries);
        if (!carries && lane is { NeedsEntries: true, Held.Count: 0 })
        {
            lane.Held = old.Where(e => e.Scope == scope).Select(e => e.Entry).ToEquatableList();
        }
    }

    private void CollectEntries(Guid owner, string virtualRouter, List<Projected> old, List<Projected> @new)
    {
        var had = old.ToDictionary(e => e.Entry.Key);
        var kept = @new.Select(e => e.Entry.Key).ToHashSet();
        foreach (var (scope, entry) in @new)
        {
            if (IsHeld(scope, virtualRouter) && !@new.Exists(e => e.Scope == scope && e.Entry.Carries)) continue;
            if (!had.TryGetValue(entry.Key, out var same) || !same.Entry.Equals(entry) || IsHeld(scope, virtualRouter))
            {
                ChangesOf(virtualRouter).Add(owner, entry);
            }
        }

        foreach (var (scope, entry) in old)
        {
            var stays = kept.Contains(entry.Key) || IsHeld(scope, virtualRouter) || HasOtherOwner(owner, scope, virtualRouter);
            if (!stays) ChangesOf(virtualRouter).Remove(owner, entry.Key);
        }
    }

    /// <summary>Lets go what is carried again, and notes which mark brought the entries.</summary>
    private void SettleLane(LaneScope scope, string virtualRouter, List<Projected> @new)
    {
        if (LaneOf(scope, virtualRouter) is not { } lane) return;
        if (@new.Exists(e => e.Scope == scope && e.Entry.Carries))
        {
            foreach (var held in lane.Held)
            {
                if (!@new.Exists(e => e.Entry.Key == held.Key)) ChangesOf(virtualRouter).Remove(lane.Owner, held.Key);
            }

            lane.Held = [];
            lane.Entry ??= acknowledgements.MarkOf(virtualRouter, _natEntries.ContainsKey(virtualRouter));
        }
        else if (!lane.NeedsEntries)
        {
            lane.Entry = null;
        }
    }

    private bool HasOtherOwner(Guid owner, LaneScope? scope, string virtualRouter) =>
        scope is { } s && LaneOf(s, virtualRouter) is { } lane && lane.Owner != owner;

    private bool IsHeld(LaneScope? scope, string virtualRouter) =>
        scope is { } s && LaneOf(s, virtualRouter) is { Held.Count: > 0 };

    private void Evaluate(Guid floatingIP, DateTimeOffset now)
    {
        if (!_lanes.TryGetValue(floatingIP, out var lanes)) return;
        foreach (var lane in lanes)
        {
            if (lane.Wanted is not null) Raise(lane);
        }

        foreach (var lane in lanes)
        {
            if (lane.Wanted is null) Lower(lane, lanes, now);
        }

        foreach (var idle in lanes.FindAll(l => l.IsIdle)) Forget(idle);
    }

    private void Raise(Lane lane)
    {
        lane.BreakDeadline = null;
        if (lane.Announced is { } announced)
        {
            if (announced == lane.Wanted) return;
            if (!announced.NextHop.Equals(lane.Wanted!.NextHop)) _routes.Add(announced, announce: false);
        }
        else if (!IsAcknowledged(lane))
        {
            if (!_awaitingEntry.TryGetValue(lane.VirtualRouter, out var waiting)) _awaitingEntry[lane.VirtualRouter] = waiting = [];
            waiting.Add(lane);
            return;
        }

        StopAwaiting(lane);
        lane.Announced = lane.Wanted;
        lane.Withdrawing = null;
        lane.WithdrawnAt = null;
        _routes.Add(lane.Wanted!, announce: true);
    }

    private void Lower(Lane lane, List<Lane> lanes, DateTimeOffset now)
    {
        StopAwaiting(lane);
        if (lane.Announced is null) return;
        var successorOnItsWay = lanes.Exists(l => l.Wanted is not null && l.Confirmed is null)
                                && !lanes.Exists(l => l.Wanted is not null && l.Confirmed is not null);
        if (successorOnItsWay && acknowledgements.IsReachable(lane.VirtualRouter))
        {
            lane.BreakDeadline ??= now + BreakHold;
            if (now < lane.BreakDeadline)
            {
                _timed.Add(lane);
                return;
            }
        }

        lane.BreakDeadline = null;
        _routes.Add(lane.Announced, announce: false);
        lane.Withdrawing = lane.Announced;
        lane.Announced = null;
    }

    private void Release(Lane lane)
    {
        lane.WithdrawnAt = null;
        if (lane.Held.Count > 0)
        {
            var changes = ChangesOf(lane.VirtualRouter);
            foreach (var held in lane.Held) changes.Remove(lane.Owner, held.Key);
            lane.Held = [];
            lane.Entry = null;
            foreach (var (scope, entry) in Project(_compiled.GetValueOrDefault(lane.Owner), lane.VirtualRouter))
            {
                if (scope == lane.Scope) changes.Add(lane.Owner, entry); // what drains
            }
        }

        _touched.Add(lane.Owner);
        if (lane.IsIdle) Forget(lane);
    }

    private void Forget(Lane lane)
    {
        StopAwaiting(lane);
        if (!_lanes.TryGetValue(lane.FloatingIP, out var lanes)) return;
        lanes.Remove(lane);
        if (lanes.Count == 0) _lanes.Remove(lane.FloatingIP);
    }

    private void StopAwaiting(Lane lane)
    {
        if (_awaitingEntry.TryGetValue(lane.VirtualRouter, out var waiting)) waiting.Remove(lane);
    }

    private bool IsAcknowledged(Lane lane) => lane.Entry is { } mark && acknowledgements.IsAcknowledged(lane.VirtualRouter, mark);

    private Lane? LaneOf(FloatingIPRoute route) => LaneOf(ScopeOf(route), route.VirtualRouter);

    private Lane? LaneOf(LaneScope scope, string virtualRouter) =>
        _lanes.TryGetValue(scope.FloatingIP, out var lanes) ? lanes.Find(l => l.Scope == scope && l.VirtualRouter == virtualRouter) : null;

    private NatEntryChanges ChangesOf(string virtualRouter)
    {
        if (!_natEntries.TryGetValue(virtualRouter, out var changes)) _natEntries[virtualRouter] = changes = new NatEntryChanges();
        return changes;
    }

    private static DateTimeOffset Earlier(DateTimeOffset? a, DateTimeOffset b) => a is { } x && x < b ? x : b;

    private static T Exchange<T>(ref T field, T value)
    {
        var taken = field;
        field = value;
        return taken;
    }

    private readonly record struct Projected(LaneScope? Scope, VirtualRouterNatEntry Entry);
}
