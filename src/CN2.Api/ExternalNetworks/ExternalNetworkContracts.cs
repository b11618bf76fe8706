using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Status;

namespace CN2.Api.ExternalNetworks;

/// <summary>A network whose addresses external routers reach.</summary>
public sealed record ExternalNetworkRequest : ResourceRequest
{
    /// <summary>One or more, tried in this order.</summary>
    [Required]
    public List<SubnetRequest>? Subnets { get; set; }

    /// <summary>True: underlay, routes in inet/inet6. False (default): overlay.</summary>
    public bool? FabricForwarding { get; set; }

    /// <summary>Imported and exported: <c>target:AS:number</c>, the AS of 2 or 4 bytes or an IPv4 address.</summary>
    public List<string>? RouteTargets { get; set; }

    /// <summary>Imported only.</summary>
    public List<string>? ImportRouteTargets { get; set; }

    /// <summary>Exported only.</summary>
    public List<string>? ExportRouteTargets { get; set; }

    /// <summary>Attributes of the routes of its FloatingIPs.</summary>
    public AdvertisementRequest? Advertisement { get; set; }

    /// <summary>Among networks that a selector chooses the highest comes first; default 0.</summary>
    public int? Priority { get; set; }

    /// <summary>False takes it out of selection by selectors; naming it still works. Default true.</summary>
    public bool? AutoAssign { get; set; }
}

/// <summary>A pool of addresses.</summary>
public sealed record SubnetRequest
{
    /// <summary>Without host bits.</summary>
    [Required]
    public string? Cidr { get; set; }

    /// <summary>Never handed out; default: the first host address.</summary>
    public string? Gateway { get; set; }

    /// <summary>What is handed out automatically; absent or empty: all of it.</summary>
    public List<AddressRangeBody>? Ranges { get; set; }

    /// <summary>Addresses, or <c>first-last</c>: only given when asked for.</summary>
    public List<string>? Reserved { get; set; }
}

/// <summary>A run of addresses, both ends included.</summary>
public sealed record AddressRangeBody
{
    /// <summary>The first address.</summary>
    [Required]
    public string? From { get; set; }

    /// <summary>The last address.</summary>
    [Required]
    public string? To { get; set; }
}

/// <summary>Attributes of the routes of its FloatingIPs.</summary>
public sealed record AdvertisementRequest
{
    /// <summary>Default 200.</summary>
    public uint? LocalPreference { get; set; }

    /// <summary>Default 100.</summary>
    public uint? Med { get; set; }

    /// <summary><c>AS:number</c>, or a well-known name (in any case, '-' for '_'): GRACEFUL_SHUTDOWN, BLACKHOLE, NO_EXPORT, NO_ADVERTISE, NO_EXPORT_SUBCONFED or NOPEER. Answered in canonical form.</summary>
    public List<string>? Communities { get; set; }

    /// <summary><c>AS:number:number</c>.</summary>
    public List<string>? LargeCommunities { get; set; }
}

/// <summary>An ExternalNetwork as it is answered.</summary>
public sealed record ExternalNetworkResource : ResourceBody
{
    public required IReadOnlyList<SubnetSpec> Subnets { get; init; }
    public required bool FabricForwarding { get; init; }
    public required IReadOnlyList<string> RouteTargets { get; init; }
    public required IReadOnlyList<string> ImportRouteTargets { get; init; }
    public required IReadOnlyList<string> ExportRouteTargets { get; init; }
    public required AdvertisementSpec Advertisement { get; init; }
    public required int Priority { get; init; }
    public required bool AutoAssign { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required ExternalNetworkStatus Status { get; init; }

    [JsonIgnore]
    public override string Collection => "external-networks";
}

/// <summary>How full it is, and how the outside reaches it.</summary>
/// <param name="State">Success.</param>
/// <param name="Subnets">In the order of the subnets.</param>
/// <param name="RoutingInstance">Its VPN in the overlay; null in the underlay.</param>
/// <param name="Conditions">Overlay: RouteTargets and AddressFamilies, whether routers can learn its routes as things are configured.</param>
public sealed record ExternalNetworkStatus(
    ResourceState State, IReadOnlyList<SubnetStatus> Subnets, RoutingInstanceStatus? RoutingInstance, IReadOnlyList<ConditionBody> Conditions);

/// <summary>The VPN of a network without fabricForwarding.</summary>
/// <param name="Number">The network's number: the second part of its route distinguishers.</param>
/// <param name="Label">The MPLS label that every vRouter advertises for it.</param>
/// <param name="ImportRouteTargets">In effect, the automatic one included.</param>
/// <param name="ExportRouteTargets">In effect, the automatic one included.</param>
public sealed record RoutingInstanceStatus(int Number, uint Label, IReadOnlyList<string> ImportRouteTargets, IReadOnlyList<string> ExportRouteTargets);

/// <summary>How full a subnet is. Decimal strings: an IPv6 subnet does not fit a number.</summary>
/// <param name="Cidr">Of the subnet.</param>
/// <param name="Capacity">What can be handed out automatically.</param>
/// <param name="Allocated">What is held, asked-for addresses outside of the ranges too.</param>
/// <param name="Available">What of the capacity nobody holds.</param>
public sealed record SubnetStatus(string Cidr, string Capacity, string Allocated, string Available);
