using CN2.Network.Overlay;

namespace CN2.Api.ExternalNetworks;

/// <summary>The routes that the speaker of this control node learned from routers, by RoutingInstance. The reconciler keeps them.</summary>
public interface IImportedRoutes
{
    /// <summary>All routes that a RoutingInstance imports, used or not, ordered by prefix, peer and route distinguisher.</summary>
    IReadOnlyList<ImportedRoute> ImportedBy(int instance);
}
