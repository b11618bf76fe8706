using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// How far one route is between its vRouter and the BGP speaker. A closed set: the five records below are all the states there are, and
/// each carries only the values that exist in it. Each method is one event, and answers the next state. The whole table is in
/// <c>docs/adr/0001-entries-before-routes.md</c>. Pure.
/// </summary>
internal abstract record RouteState
{
    private RouteState()
    {
    }

    /// <summary>
    /// The speaker has no route. A route that the resources ask for waits here until the vRouter has acknowledged its NAT entries.
    /// </summary>
    public sealed record AwaitingEntries : RouteState
    {
        private AwaitingEntries()
        {
        }

        public static AwaitingEntries Instance { get; } = new();
    }

    /// <summary>
    /// The speaker was asked to announce <paramref name="Route"/>. <paramref name="Confirmed"/> is the version that it has confirmed, null
    /// while it has confirmed none.
    /// </summary>
    public sealed record Announced(FloatingIPRoute Route, FloatingIPRoute? Confirmed) : RouteState;

    /// <summary>
    /// The resources no longer ask for the route. It stays announced until its successor through another vRouter is confirmed, at most
    /// until <paramref name="Deadline"/> (make before break).
    /// </summary>
    public sealed record Superseded(FloatingIPRoute Route, FloatingIPRoute? Confirmed, DateTimeOffset Deadline) : RouteState;

    /// <summary>The speaker was asked to withdraw the route and has not confirmed that.</summary>
    public sealed record Withdrawing(FloatingIPRoute Route, FloatingIPRoute? Confirmed) : RouteState;

    /// <summary>
    /// The withdrawal is confirmed, or only another replica announces the route. The NAT entries stay until <paramref name="Until"/>, because routers need a moment to follow.
    /// </summary>
    public sealed record Holding(DateTimeOffset Until) : RouteState;

    /// <summary>The route that the speaker was asked to announce, or null.</summary>
    public FloatingIPRoute? AnnouncedRoute => this switch
    {
        Announced s => s.Route,
        Superseded s => s.Route,
        _ => null,
    };

    /// <summary>The route that the speaker has confirmed to announce and has not yet confirmed to have withdrawn, or null.</summary>
    public FloatingIPRoute? ConfirmedRoute => this switch
    {
        Announced s => s.Confirmed,
        Superseded s => s.Confirmed,
        Withdrawing s => s.Confirmed,
        _ => null,
    };

    /// <summary>The speaker may have the route.</summary>
    public bool MayBeInSpeaker => this is Announced or Superseded or Withdrawing;

    /// <summary>Traffic may still arrive over the route, so the NAT entries behind it must stay.</summary>
    public bool NeedsEntries => this is not AwaitingEntries;

    /// <summary>When time alone changes the state, or null.</summary>
    public DateTimeOffset? DueAt => this switch
    {
        Superseded s => s.Deadline,
        Holding s => s.Until,
        _ => null,
    };

    /// <summary>
    /// The resources ask for <paramref name="route"/>. A first announcement needs the acknowledgement of the entries. An announced route is
    /// only replaced, because its entries are there already.
    /// </summary>
    public RouteStep Wanted(FloatingIPRoute route, bool entriesAcknowledged) => this switch
    {
        Announced s when s.Route == route => new(this),
        Superseded s when s.Route == route => new(new Announced(s.Route, s.Confirmed)),
        Announced s => Replace(s.Route, s.Confirmed, route),
        Superseded s => Replace(s.Route, s.Confirmed, route),
        AwaitingEntries or Withdrawing or Holding when entriesAcknowledged => new(new Announced(route, ConfirmedRoute), Announce: route),
        AwaitingEntries or Withdrawing or Holding => new(this),
        _ => throw Unknown(this),
    };

    /// <summary>
    /// The resources ask for no route. <paramref name="awaitSuccessor"/>: another route of the FloatingIP is about to be announced and none
    /// is confirmed, so this one stays until then.
    /// </summary>
    public RouteStep Unwanted(bool awaitSuccessor, DateTimeOffset now) => this switch
    {
        Announced s when awaitSuccessor => new(new Superseded(s.Route, s.Confirmed, now + RouteSequencer.BreakHold)),
        Superseded s when awaitSuccessor && now < s.Deadline => new(this),
        Announced s => new(new Withdrawing(s.Route, s.Confirmed), Withdraw: s.Route),
        Superseded s => new(new Withdrawing(s.Route, s.Confirmed), Withdraw: s.Route),
        AwaitingEntries or Withdrawing or Holding => new(this),
        _ => throw Unknown(this),
    };

    /// <summary>The speaker has confirmed that it announces <paramref name="route"/>.</summary>
    public RouteState SpeakerAnnounced(FloatingIPRoute route) => this switch
    {
        Announced s => s with { Confirmed = route },
        Superseded s => s with { Confirmed = route },
        AwaitingEntries or Withdrawing or Holding => this,
        _ => throw Unknown(this),
    };

    /// <summary>
    /// The speaker refuses <paramref name="route"/> and has withdrawn any earlier version of it. An answer about another next hop concerns
    /// a route that has been replaced since.
    /// </summary>
    public RouteState SpeakerRefused(FloatingIPRoute route) => this switch
    {
        Announced s when s.Route.Path == route.Path => s with { Confirmed = null },
        Superseded s when s.Route.Path == route.Path => s with { Confirmed = null },
        Withdrawing s => s with { Confirmed = null },
        Announced or Superseded or AwaitingEntries or Holding => this,
        _ => throw Unknown(this),
    };

    /// <summary>
    /// The speaker has confirmed that it no longer announces <paramref name="route"/>. Only the withdrawal of the same next hop counts: an
    /// earlier next hop may have been replaced, and a route may be announced again.
    /// </summary>
    public RouteState SpeakerWithdrew(FloatingIPRoute route, DateTimeOffset now) => this switch
    {
        Withdrawing s when s.Route.NextHop.Equals(route.NextHop) => new Holding(now + RouteSequencer.EntryHold),
        AwaitingEntries or Announced or Superseded or Withdrawing or Holding => this,
        _ => throw Unknown(this),
    };

    /// <summary>
    /// The resources ask for the entries no more. <paramref name="announcedElsewhere"/>: the speaker of another replica may have the route. What this one has never announced
    /// needs its entries all the same then: the vRouter may be connected here.
    /// </summary>
    public RouteState EntriesGo(bool announcedElsewhere, DateTimeOffset now) => this switch
    {
        AwaitingEntries when announcedElsewhere => new Holding(now + RouteSequencer.EntryHold),
        AwaitingEntries or Announced or Superseded or Withdrawing or Holding => this,
        _ => throw Unknown(this),
    };

    /// <summary>
    /// Time has passed. <paramref name="announcedElsewhere"/>: the speaker of another replica may have the route, so the hold begins again.
    /// A deadline for a successor ends with <see cref="Unwanted"/>, because it depends on the other routes of the FloatingIP.
    /// </summary>
    public RouteState TimePassed(bool announcedElsewhere, DateTimeOffset now) => this switch
    {
        Holding when announcedElsewhere => new Holding(now + RouteSequencer.EntryHold),
        Holding s when s.Until <= now => AwaitingEntries.Instance,
        AwaitingEntries or Announced or Superseded or Withdrawing or Holding => this,
        _ => throw Unknown(this),
    };

    /// <summary>The speaker had the route at start, and the resources ask for <paramref name="wanted"/>. The earlier state does not matter.</summary>
    public static RouteState FoundInSpeaker(FloatingIPRoute wanted) => new Announced(wanted, wanted);

    /// <summary>The old next hop has a path of its own in the speaker, so it must be withdrawn. The same next hop is overwritten.</summary>
    private static RouteStep Replace(FloatingIPRoute old, FloatingIPRoute? confirmed, FloatingIPRoute route) =>
        new(new Announced(route, confirmed), Withdraw: old.NextHop.Equals(route.NextHop) ? null : old, Announce: route);

    private static InvalidOperationException Unknown(RouteState state) => new($"{state.GetType().Name} is not a state of a route.");
}
