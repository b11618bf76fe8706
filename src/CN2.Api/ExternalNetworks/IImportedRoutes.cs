using CN2.Network.Overlay;

namespace CN2.Api.ExternalNetworks;

/// <summary>What this control node's speaker learned from routers, by RoutingInstance; whoever reconciles keeps it.</summary>
public interface IImportedRoutes
{
    /// <summary>All that a RoutingInstance imports, best or not, by prefix, peer and route distinguisher.</summary>
    IReadOnlyList<ImportedRoute> ImportedBy(int instance);
}
