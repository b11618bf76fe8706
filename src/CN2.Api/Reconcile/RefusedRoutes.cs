using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>The routes that the speaker refuses, with its reasons. A route leaves this list when it is announced or no longer wanted.</summary>
internal sealed class RefusedRoutes
{
    private readonly Dictionary<Guid, Dictionary<RouteKey, RefusedRoute>> _refused = [];

    public void Add(IEnumerable<RefusedRoute> routes)
    {
        foreach (var refused in routes)
        {
            if (!_refused.TryGetValue(refused.Route.FloatingIP, out var ofOne)) _refused[refused.Route.FloatingIP] = ofOne = [];
            ofOne[refused.Route.Path] = refused;
        }
    }

    public void Remove(IEnumerable<FloatingIPRoute> routes)
    {
        foreach (var route in routes)
        {
            if (_refused.TryGetValue(route.FloatingIP, out var ofOne) && ofOne.Remove(route.Path) && ofOne.Count == 0) _refused.Remove(route.FloatingIP);
        }
    }

    /// <summary>The FloatingIP does not exist any more.</summary>
    public void Forget(Guid floatingIP) => _refused.Remove(floatingIP);

    /// <summary>Why this route is refused; null when it is not, or when it has changed since and the speaker has not answered yet.</summary>
    public string? ReasonOf(FloatingIPRoute route) =>
        _refused.TryGetValue(route.FloatingIP, out var ofOne) && ofOne.TryGetValue(route.Path, out var refused) && refused.Route == route ? refused.Reason : null;
}
