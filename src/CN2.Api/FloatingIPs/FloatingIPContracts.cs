using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.FloatingIPs;

/// <summary>A FloatingIP that a user reserves: for a Service to claim (loadBalancerIPs), or attached to endpoints directly.</summary>
public sealed record FloatingIPRequest : ResourceRequest
{
    internal override bool MayHaveLongName => true;

    /// <summary><c>namespace/name</c>, or <c>name</c> in the own namespace. Required when it is created; immutable.</summary>
    public string? ExternalNetwork { get; set; }

    /// <summary>Absent: the lowest free one. Immutable.</summary>
    public string? Address { get; set; }

    /// <summary>Names of VirtualMachineInterfaces of the namespace it is attached to; empty keeps it reserved.</summary>
    public List<string>? Interfaces { get; set; }

    /// <summary>Only these ports; empty: all ports, one to one.</summary>
    public List<FloatingIPPortMappingRequest>? PortMappings { get; set; }
}

/// <summary>One line of a port map.</summary>
public sealed record FloatingIPPortMappingRequest
{
    /// <summary>TCP (default), UDP or SCTP.</summary>
    public TransportProtocol? Protocol { get; set; }

    /// <summary>1 to 65535.</summary>
    [Required]
    public int? Port { get; set; }

    /// <summary>1 to 65535; default: the port.</summary>
    public int? TargetPort { get; set; }
}

/// <summary>A FloatingIP as it is answered.</summary>
public sealed record FloatingIPResource : ResourceBody
{
    public required string Address { get; init; }

    /// <summary>Null for a cluster IP.</summary>
    public required string? ExternalNetwork { get; init; }

    /// <summary>What it is for.</summary>
    public required FloatingIPKind Kind { get; init; }

    /// <summary>Name of the Service (same namespace) that owns or has claimed it.</summary>
    public required string? Service { get; init; }

    /// <summary>Endpoints behind it: those it is attached to, or those the Service's selector chose.</summary>
    public required IReadOnlyList<string> Interfaces { get; init; }
    public required IReadOnlyList<FloatingIPPortMapping> PortMappings { get; init; }

    /// <summary>The port map as CN2 writes it: <c>TCP/8080->80</c>, comma-separated; empty: all ports.</summary>
    public required string PortMapping { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required FloatingIPStatus Status { get; init; }

    [JsonIgnore]
    public override string Collection => "floating-ips";
}

/// <summary>What became of a FloatingIP.</summary>
/// <param name="State">Failure: a VirtualRouter refused its entries; Deleting: its routes and entries are being taken away; else Success.</param>
/// <param name="Attachments">The endpoints behind it.</param>
/// <param name="Routes">Its routes, one of each VirtualRouter.</param>
/// <param name="Conditions">Allocated, Programmed, Advertised, Ready.</param>
public sealed record FloatingIPStatus(
    ResourceState State,
    IReadOnlyList<FloatingIPAttachment> Attachments,
    IReadOnlyList<FloatingIPRouteBody> Routes,
    IReadOnlyList<ConditionBody> Conditions);

/// <summary>An endpoint behind it.</summary>
/// <param name="VirtualMachineInterface">Its name.</param>
/// <param name="VirtualRouter">The node it is on.</param>
/// <param name="Address">The endpoint's own address.</param>
/// <param name="Ready">It takes new flows.</param>
/// <param name="Programmed">Its node has acknowledged the entry.</param>
public sealed record FloatingIPAttachment(string VirtualMachineInterface, string VirtualRouter, string Address, bool Ready, bool Programmed);

/// <summary>A route in the speakers' tables.</summary>
/// <param name="Prefix">The address with /32 or /128.</param>
/// <param name="Family">inet, inet6, inet-vpn or inet6-vpn.</param>
/// <param name="NextHop">The vRouter's own address.</param>
/// <param name="RouteDistinguisher">Overlay only.</param>
/// <param name="Label">Overlay only.</param>
/// <param name="RouteTargets">Overlay only.</param>
/// <param name="LocalPreference">From the network's advertisement.</param>
/// <param name="Med">From the network's advertisement.</param>
/// <param name="ControlNodes">Who announces it, and to whom.</param>
public sealed record FloatingIPRouteBody(
    string Prefix,
    string Family,
    string NextHop,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RouteDistinguisher,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] uint? Label,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? RouteTargets,
    uint LocalPreference,
    uint Med,
    IReadOnlyList<FloatingIPRouteControlNode> ControlNodes);

/// <summary>A replica that announces a route.</summary>
/// <param name="Name">The control node.</param>
/// <param name="AdvertisedTo">The BgpRouters that it sends the route to.</param>
public sealed record FloatingIPRouteControlNode(string Name, IReadOnlyList<string> AdvertisedTo);
