using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.FloatingIPs;

/// <summary>A FloatingIP that a user reserves. A Service can claim it (loadBalancerIPs), or it is attached to endpoints directly.</summary>
public sealed record FloatingIPRequest : ResourceRequest
{
    internal override bool MayHaveLongName => true;

    /// <summary>The network of the address: <c>namespace/name</c>, or <c>name</c> in the same namespace. Required when the FloatingIP is created; cannot be changed.</summary>
    [AtMost(Limits.Reference)]
    public string? ExternalNetwork { get; set; }

    /// <summary>The address. When absent, the lowest free address is allocated. It cannot be changed.</summary>
    [AtMost(Limits.Reference)]
    public string? Address { get; set; }

    /// <summary>Names of the VirtualMachineInterfaces in this namespace that the FloatingIP is attached to. When empty, it is only reserved.</summary>
    [AtMost(Limits.Interfaces)]
    public List<string>? Interfaces { get; set; }

    /// <summary>The ports that are translated. When empty, all ports are translated one to one.</summary>
    [AtMost(Limits.Ports)]
    public List<FloatingIPPortMappingRequest>? PortMappings { get; set; }
}

/// <summary>One entry of a port map.</summary>
public sealed record FloatingIPPortMappingRequest
{
    /// <summary>TCP (default), UDP or SCTP.</summary>
    public TransportProtocol? Protocol { get; set; }

    /// <summary>The port of the address: 1 to 65535.</summary>
    [Required]
    public int? Port { get; set; }

    /// <summary>The port of the endpoint: 1 to 65535; default: the same port.</summary>
    public int? TargetPort { get; set; }
}

/// <summary>A FloatingIP in answers.</summary>
public sealed record FloatingIPResource : ResourceBody
{
    public required string Address { get; init; }

    /// <summary>The network of the address, <c>namespace/name</c>; null for a cluster IP.</summary>
    public required string? ExternalNetwork { get; init; }

    /// <summary>ClusterIP or External.</summary>
    public required FloatingIPKind Kind { get; init; }

    /// <summary>The name of the Service in the same namespace that holds the FloatingIP.</summary>
    public required string? Service { get; init; }

    /// <summary>The endpoints behind the address: those that it is attached to, or those that the Service selects.</summary>
    public required IReadOnlyList<string> Interfaces { get; init; }
    public required IReadOnlyList<FloatingIPPortMapping> PortMappings { get; init; }

    /// <summary>The port map as CN2 writes it: <c>TCP/8080->80</c>, separated by commas; empty means all ports.</summary>
    public required string PortMapping { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required FloatingIPStatus Status { get; init; }

    /// <summary>A user has reserved it.</summary>
    [JsonIgnore]
    internal bool IsReserved { get; init; }

    [JsonIgnore]
    public override string Collection => "floating-ips";
}

/// <summary>The state of a FloatingIP.</summary>
/// <param name="State">Failure: a VirtualRouter refused its NAT entries. Deleting: its routes and NAT entries are being removed. Success: otherwise.</param>
/// <param name="Attachments">The endpoints behind the address.</param>
/// <param name="Routes">Its routes, one for each VirtualRouter.</param>
/// <param name="Conditions">Allocated, Programmed, Advertised, Ready.</param>
public sealed record FloatingIPStatus(
    ResourceState State,
    IReadOnlyList<FloatingIPAttachment> Attachments,
    IReadOnlyList<FloatingIPRouteBody> Routes,
    IReadOnlyList<ConditionBody> Conditions);

/// <summary>An endpoint behind a FloatingIP.</summary>
/// <param name="VirtualMachineInterface">The name of the VirtualMachineInterface.</param>
/// <param name="VirtualRouter">The VirtualRouter of its node.</param>
/// <param name="Address">The endpoint's own address.</param>
/// <param name="Ready">Whether the endpoint takes new flows.</param>
/// <param name="Programmed">Whether its VirtualRouter has acknowledged the NAT entry.</param>
public sealed record FloatingIPAttachment(string VirtualMachineInterface, string VirtualRouter, string Address, bool Ready, bool Programmed);

/// <summary>A route that control nodes announce.</summary>
/// <param name="Prefix">The address with the prefix length 32 or 128.</param>
/// <param name="Family">inet, inet6, inet-vpn or inet6-vpn.</param>
/// <param name="NextHop">The address of the VirtualRouter.</param>
/// <param name="RouteDistinguisher">Overlay only.</param>
/// <param name="Label">Overlay only.</param>
/// <param name="RouteTargets">Overlay only.</param>
/// <param name="LocalPreference">From the advertisement of the network.</param>
/// <param name="Med">From the advertisement of the network.</param>
/// <param name="Weight">Only where the advertisement of the network is weighted: the sum of the weights of the node's endpoints that take new flows.</param>
/// <param name="ControlNodes">The control nodes that announce the route, and the BgpRouters that they send it to.</param>
public sealed record FloatingIPRouteBody(
    string Prefix,
    string Family,
    string NextHop,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RouteDistinguisher,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] uint? Label,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? RouteTargets,
    uint LocalPreference,
    uint Med,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Weight,
    IReadOnlyList<FloatingIPRouteControlNode> ControlNodes);

/// <summary>A control node that announces a route.</summary>
/// <param name="Name">The name of the control node.</param>
/// <param name="AdvertisedTo">The names of the BgpRouters that it sends the route to.</param>
public sealed record FloatingIPRouteControlNode(string Name, IReadOnlyList<string> AdvertisedTo);
