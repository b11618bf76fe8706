using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Grants;

namespace CN2.Network.Resources;

/// <summary>What the compiler needs of an ExternalNetwork (CN2: a VirtualNetwork chosen by an external network selector).</summary>
public sealed record ExternalNetwork
{
    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }

    /// <summary>The network number, 1 to 65535: the assigned part of a type-1 route distinguisher.</summary>
    public required int Number { get; init; }

    /// <summary>True: underlay, BGP ipv4/ipv6 unicast. False: overlay, vpnv4/vpnv6.</summary>
    public required bool FabricForwarding { get; init; }

    /// <summary>The RoutingInstance of its addresses: its own in the overlay, 0 in the underlay.</summary>
    public int RoutingInstance => FabricForwarding ? 0 : Number;

    public required Advertisement Advertisement { get; init; }

    /// <summary>
    /// A sentence that says which part of the stored <see cref="Advertisement"/> cannot be read; null when all of it can. Routes are not
    /// announced without an attribute that may restrict where they go.
    /// </summary>
    public string? AdvertisementFault { get; init; }

    /// <summary>vRouters with a route to a FloatingIP of the network answer echo requests to it.</summary>
    public bool AnswerPing { get; init; } = true;

    /// <summary>Sorted and distinct, with the automatic one.</summary>
    public EquatableList<RouteTarget> ExportRouteTargets { get; init; } = [];

    /// <summary>Sorted and distinct, with the automatic one.</summary>
    public EquatableList<RouteTarget> ImportRouteTargets { get; init; } = [];

    /// <summary>The target that it has without being asked; null: there is none for its number.</summary>
    public RouteTarget? AutomaticRouteTarget { get; init; }

    /// <summary>The prefixes of its subnets, as its owner wrote them.</summary>
    public EquatableList<IPNetwork> Subnets { get; init; } = [];

    /// <summary>What its namespace is granted; null: the namespace has no grant, so an operator wrote the network.</summary>
    public Grant? Grant { get; init; }
}
