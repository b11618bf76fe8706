using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// The FloatingIP and the RoutingInstance (0: the underlay) that a route and the NAT entries behind it share. A network that changes between
/// underlay and overlay has both for a while.
/// </summary>
internal readonly record struct RouteScope(Guid FloatingIP, int RoutingInstance)
{
    /// <summary>Null: a node port, which belongs to no FloatingIP.</summary>
    public static RouteScope? Of(NatEntry natEntry) => natEntry.FloatingIP is { } floatingIP ? new RouteScope(floatingIP, natEntry.Key.RoutingInstance) : null;

    public static RouteScope Of(FloatingIPRoute route) => new(route.FloatingIP, route.RoutingInstance);

    /// <summary>Those of all entries and routes that an owner asks for before and after a change, each once.</summary>
    public static List<RouteScope> AllOf(CompiledOwner? before, CompiledOwner? after)
    {
        var scopes = new List<RouteScope>(2);
        Add(before);
        Add(after);
        return scopes;

        void Add(CompiledOwner? compiled)
        {
            if (compiled is null) return;
            foreach (var natEntry in compiled.NatEntries.AsSpan())
                if (Of(natEntry) is { } scope && !scopes.Contains(scope)) scopes.Add(scope);
            foreach (var route in compiled.Routes.AsSpan())
                if (!scopes.Contains(Of(route))) scopes.Add(Of(route));
        }
    }
}
