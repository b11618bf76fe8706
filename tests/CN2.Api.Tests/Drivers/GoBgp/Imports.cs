using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Overlay;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>The imported routes as a reader of <see cref="IBgpSpeaker.TakeImported"/> knows them, and every change that it took.</summary>
internal sealed class Imports(IBgpSpeaker speaker)
{
    private readonly Dictionary<ImportedRouteKey, ImportedRoute> _routes = [];

    public List<ImportedRouteChange> Changes { get; } = [];

    public IReadOnlyDictionary<ImportedRouteKey, ImportedRoute> Now
    {
        get
        {
            foreach (var change in speaker.TakeImported())
            {
                Changes.Add(change);
                if (change.Route is { } route) _routes[change.Key] = route;
                else _routes.Remove(change.Key);
            }
            return _routes;
        }
    }

    /// <summary>The routes as <c>peer rd prefix</c>, in order.</summary>
    public string Text => string.Join("; ", Now.Keys.Select(k => $"{k.Peer} {k.RouteDistinguisher} {k.Prefix}").Order(StringComparer.Ordinal));

    public ImportedRoute this[string peer, string distinguisher, string prefix] => Now[new(peer, distinguisher, IPNetwork.Parse(prefix))];

    public Task BecomeAsync(string text, int seconds = 30) =>
        Eventually.TrueAsync(() => Text == text, $"imported: {text}", seconds, () => $"{Text} | {string.Join("; ", speaker.Sessions)}");
}
