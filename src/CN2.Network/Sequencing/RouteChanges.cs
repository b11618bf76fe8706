using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// What the speaker is to be told: for each FloatingIP and path the last word, so that a route that was let go and is wanted again
/// before anybody was told is not withdrawn. Additions take effect before withdrawals.
/// </summary>
public sealed class RouteChanges
{
    private readonly Dictionary<(Guid FloatingIP, RouteKey Path), (FloatingIPRoute Route, bool Announce)> _changes = [];

    public IReadOnlyCollection<FloatingIPRoute> Announce => [.. _changes.Values.Where(c => c.Announce).Select(c => c.Route)];
    public IReadOnlyCollection<FloatingIPRoute> Withdraw => [.. _changes.Values.Where(c => !c.Announce).Select(c => c.Route)];

    public bool IsEmpty => _changes.Count == 0;

    internal void Add(FloatingIPRoute route, bool announce) => _changes[(route.FloatingIP, route.Path)] = (route, announce);
}
