using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Changes for the speaker. For each FloatingIP and path only the last change counts, so a route that is given up and wanted again before
/// the changes are taken is not withdrawn. Additions take effect before withdrawals.
/// </summary>
public sealed class RouteChanges
{
    private readonly Dictionary<(Guid FloatingIP, RouteKey Path), (FloatingIPRoute Route, bool Announce)> _changes = [];

    public IReadOnlyCollection<FloatingIPRoute> Announce => [.. _changes.Values.Where(c => c.Announce).Select(c => c.Route)];
    public IReadOnlyCollection<FloatingIPRoute> Withdraw => [.. _changes.Values.Where(c => !c.Announce).Select(c => c.Route)];

    public bool IsEmpty => _changes.Count == 0;

    internal void Add(FloatingIPRoute route, bool announce) => _changes[(route.FloatingIP, route.Path)] = (route, announce);
}
