using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.ExternalNetworks;

/// <summary>A network with pools of addresses that external routers can reach.</summary>
public sealed record ExternalNetworkRequest : ResourceRequest
{
    /// <summary>The pools of addresses; at least one. Addresses are taken from them in this order.</summary>
    [Required]
    [AtMost(Limits.Subnets)]
    public List<SubnetRequest>? Subnets { get; set; }

    /// <summary>True: the routes are in the underlay (inet, inet6). False (default): the network is a VPN in the overlay.</summary>
    public bool? FabricForwarding { get; set; }

    /// <summary>Route targets for import and export: <c>target:AS:number</c>, with a 2-byte or 4-byte AS number or an IPv4 address in the place of AS.</summary>
    [AtMost(Limits.RouteTargets)]
    public List<string>? RouteTargets { get; set; }

    /// <summary>Route targets for import only.</summary>
    [AtMost(Limits.RouteTargets)]
    public List<string>? ImportRouteTargets { get; set; }

    /// <summary>Route targets for export only.</summary>
    [AtMost(Limits.RouteTargets)]
    public List<string>? ExportRouteTargets { get; set; }

    /// <summary>BGP attributes of the routes to the network's FloatingIPs.</summary>
    public AdvertisementRequest? Advertisement { get; set; }

    /// <summary>When a selector selects several networks, the one with the highest priority is used first; default 0.</summary>
    public int? Priority { get; set; }

    /// <summary>False: selectors do not select the network; Services can still name it. Default true.</summary>
    public bool? AutoAssign { get; set; }

    /// <summary>vRouters with a route to a FloatingIP of the network answer echo requests (ping) to it. Default true.</summary>
    public bool? AnswerPing { get; set; }

    /// <summary>
    /// How long an address rests after its release before somebody else gets it, in seconds: 0 to 86400, default 30. Its last holder (the same namespace and the
    /// same name of the FloatingIP) gets it back when its subnet is next to give an address, and when nothing else is free, the address that was released first is given. What rests already
    /// keeps its time.
    /// </summary>
    public int? QuarantineSeconds { get; set; }

    /// <summary>Selects, by their labels, the namespaces whose Services and FloatingIPs may use the network; absent: all. Its own namespace is no exception.</summary>
    public LabelSelectorBody? AllowedNamespaces { get; set; }
}

/// <summary>A pool of addresses.</summary>
public sealed record SubnetRequest
{
    /// <summary>The prefix, without host bits.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? Cidr { get; set; }

    /// <summary>The address of the gateway; it is never allocated. Default: the first host address.</summary>
    [AtMost(Limits.Reference)]
    public string? Gateway { get; set; }

    /// <summary>The ranges that addresses are allocated from. When absent or empty, the whole subnet.</summary>
    [AtMost(Limits.SubnetRanges)]
    public List<AddressRangeBody>? Ranges { get; set; }

    /// <summary>Addresses, or ranges <c>first-last</c>, that are allocated only on request.</summary>
    [AtMost(Limits.SubnetRanges)]
    public List<string>? Reserved { get; set; }
}

/// <summary>A range of addresses; the first and the last address belong to it.</summary>
public sealed record AddressRangeBody
{
    /// <summary>The first address.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? From { get; set; }

    /// <summary>The last address.</summary>
    [Required]
    [AtMost(Limits.Reference)]
    public string? To { get; set; }
}

/// <summary>BGP attributes of the routes to the network's FloatingIPs.</summary>
public sealed record AdvertisementRequest
{
    /// <summary>LOCAL_PREF of the routes; 200 by default.</summary>
    public uint? LocalPreference { get; set; }

    /// <summary>MULTI_EXIT_DISC of the routes; 100 by default.</summary>
    public uint? Med { get; set; }

    /// <summary>Communities: <c>AS:number</c>, or a well-known name: GRACEFUL_SHUTDOWN, BLACKHOLE, NO_EXPORT, NO_ADVERTISE, NO_EXPORT_SUBCONFED or NOPEER. Names may be in lower case and with '-' for '_'; answers have the canonical form.</summary>
    [AtMost(Limits.Communities)]
    public List<string>? Communities { get; set; }

    /// <summary>Large communities (RFC 8092): <c>AS:number:number</c>.</summary>
    [AtMost(Limits.Communities)]
    public List<string>? LargeCommunities { get; set; }

    /// <summary>
    /// True: a route says how much of the traffic its node can take, as a link bandwidth community, so that a node with twice the endpoints (of equal weight) gets twice the flows where
    /// the router takes it. For routes of the underlay to one node's own endpoints (externalTrafficPolicy Local). False by default.
    /// </summary>
    public bool? Weighted { get; set; }
}

/// <summary>An ExternalNetwork in answers.</summary>
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
    public required bool AnswerPing { get; init; }
    public required int QuarantineSeconds { get; init; }

    /// <summary>Null: all namespaces may use the network.</summary>
    public required LabelSelectorBody? AllowedNamespaces { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required ExternalNetworkStatus Status { get; init; }

    [JsonIgnore]
    public override string Collection => "external-networks";
}

/// <summary>How many addresses are in use, and how routers reach the network.</summary>
/// <param name="State">Always Success.</param>
/// <param name="Subnets">One entry for each subnet, in the same order.</param>
/// <param name="RoutingInstance">The VPN of a network in the overlay; null in the underlay.</param>
/// <param name="Conditions">RouteTargets and AddressFamilies (overlay only): whether routers can learn the network's routes. WithinGrant, when its namespace has a grant: whether the grant covers the network. AllowedUsers, with allowedNamespaces: whether only namespaces that may use it do.</param>
public sealed record ExternalNetworkStatus(
    ResourceState State, IReadOnlyList<SubnetStatus> Subnets, RoutingInstanceStatus? RoutingInstance, IReadOnlyList<ConditionBody> Conditions);

/// <summary>The VPN of a network without fabricForwarding.</summary>
/// <param name="Number">The number of the network. It is the second part of the route distinguishers.</param>
/// <param name="Label">The MPLS label of the VPN. It is the same on every vRouter.</param>
/// <param name="ImportRouteTargets">The effective route targets, with the automatic one.</param>
/// <param name="ExportRouteTargets">The effective route targets, with the automatic one.</param>
public sealed record RoutingInstanceStatus(int Number, uint Label, IReadOnlyList<string> ImportRouteTargets, IReadOnlyList<string> ExportRouteTargets);

/// <summary>How many addresses of a subnet are in use. The counts are decimal strings, because the size of an IPv6 subnet exceeds a JSON number.</summary>
/// <param name="Cidr">The prefix of the subnet.</param>
/// <param name="Capacity">How many addresses can be allocated automatically.</param>
/// <param name="Allocated">How many addresses are held; this includes requested addresses outside of the ranges.</param>
/// <param name="Available">How many addresses of the capacity are free: no FloatingIP, endpoint or part of the infrastructure has them, and they are no cluster IPs. Those that rest are among them.</param>
/// <param name="Quarantined">How many addresses rest after their release (quarantineSeconds); this includes addresses outside of the ranges.</param>
public sealed record SubnetStatus(string Cidr, string Capacity, string Allocated, string Available, string Quarantined);
