using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>Route changes merged into one: for each FloatingIP and path only the last change counts.</summary>
internal sealed class RouteBatch
{
    private readonly Dictionary<(Guid FloatingIP, RouteKey Path), (FloatingIPRoute Route, bool Announce)> _routes = [];

    /// <summary>The announced routes are the whole set.</summary>
    private bool _isWhole;

    /// <param name="job">A <see cref="SpeakerJob.ReplaceAll"/> or <see cref="SpeakerJob.ChangeRoutes"/>.</param>
    public static RouteBatch Of(SpeakerJob job) => new RouteBatch().Then(job);

    /// <summary>Adds a newer job.</summary>
    public RouteBatch Then(SpeakerJob newer)
    {
        switch (newer)
        {
            case SpeakerJob.ReplaceAll all:
                _isWhole = true;
                foreach (var (key, _) in _routes.Where(r => r.Value.Announce).ToList()) _routes.Remove(key);
                Add(all.Announce, all.Withdraw);
                break;
            case SpeakerJob.ChangeRoutes change:
                Add(change.Announce, change.Withdraw);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(newer), newer, "changes no routes");
        }

        return this;
    }

    /// <summary>Leaves out what <paramref name="newer"/> changes too.</summary>
    public RouteBatch Without(RouteBatch newer)
    {
        foreach (var key in newer._routes.Keys) _routes.Remove(key);
        return this;
    }

    /// <summary>The batch as a job; null when nothing is left of it.</summary>
    public SpeakerJob? ToJob()
    {
        if (!_isWhole && _routes.Count == 0) return null;
        IReadOnlyCollection<FloatingIPRoute> announce = [.. _routes.Values.Where(r => r.Announce).Select(r => r.Route)];
        IReadOnlyCollection<FloatingIPRoute> withdraw = [.. _routes.Values.Where(r => !r.Announce).Select(r => r.Route)];
        return _isWhole ? new SpeakerJob.ReplaceAll(announce, withdraw) : new SpeakerJob.ChangeRoutes(announce, withdraw);
    }

    private void Add(IEnumerable<FloatingIPRoute> announce, IEnumerable<FloatingIPRoute> withdraw)
    {
        foreach (var route in announce) _routes[(route.FloatingIP, route.Path)] = (route, true);
        foreach (var route in withdraw) _routes[(route.FloatingIP, route.Path)] = (route, false);
    }
}
