using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.Services;

/// <summary>A Service as a user writes it: ports on an address, in front of the endpoints its selector chooses.</summary>
public sealed record ServiceRequest : ResourceRequest
{
    /// <summary>LoadBalancer (default), ClusterIP or NodePort.</summary>
    public ServiceType? Type { get; set; }

    /// <summary>Equality requirements over endpoint labels of the same namespace; absent or empty selects nothing.</summary>
    public Dictionary<string, string>? Selector { get; set; }

    /// <summary>At least one.</summary>
    [Required]
    public List<ServicePortRequest>? Ports { get; set; }

    /// <summary>One or two of IPv4, IPv6, the primary first; default IPv4.</summary>
    public List<IPFamily>? IpFamilies { get; set; }

    /// <summary>Default SingleStack; with two families PreferDualStack.</summary>
    public IPFamilyPolicy? IpFamilyPolicy { get; set; }

    /// <summary><c>namespace/name</c>, or <c>name</c> in the own namespace; wins over selectors.</summary>
    public string? ExternalNetwork { get; set; }

    /// <summary>Name of an ExternalNetworkSelector; default <c>default-external</c>.</summary>
    public string? ExternalNetworkSelector { get; set; }

    /// <summary>Addresses asked for, at most one of a family; a reserved FloatingIP of the namespace is claimed.</summary>
    public List<string>? LoadBalancerIPs { get; set; }

    /// <summary>Default true.</summary>
    public bool? AllocateLoadBalancerNodePorts { get; set; }

    /// <summary>Local (default): endpoints on the node that received the packet; Cluster: any.</summary>
    public ExternalTrafficPolicy? ExternalTrafficPolicy { get; set; }

    /// <summary>None (default) or ClientIP.</summary>
    public SessionAffinity? SessionAffinity { get; set; }

    /// <summary>Clients (CIDRs) that may use the external addresses; empty: all.</summary>
    public List<string>? LoadBalancerSourceRanges { get; set; }
}

/// <summary>One port of a Service.</summary>
public sealed record ServicePortRequest
{
    /// <summary>DNS-1123 label; may be absent.</summary>
    public string? Name { get; set; }

    /// <summary>TCP (default), UDP or SCTP.</summary>
    public TransportProtocol? Protocol { get; set; }

    /// <summary>1 to 65535.</summary>
    [Required]
    public int? Port { get; set; }

    /// <summary>1 to 65535; default: the port.</summary>
    public int? TargetPort { get; set; }

    /// <summary>Allocated when absent (NodePort, and LoadBalancer unless allocateLoadBalancerNodePorts is false).</summary>
    public int? NodePort { get; set; }
}

/// <summary>A Service as it is answered.</summary>
public sealed record ServiceResource : ResourceBody
{
    public required ServiceType Type { get; init; }
    public required IReadOnlyDictionary<string, string> Selector { get; init; }
    public required IReadOnlyList<ServicePortSpec> Ports { get; init; }
    public required IReadOnlyList<IPFamily> IpFamilies { get; init; }
    public required IPFamilyPolicy IpFamilyPolicy { get; init; }
    public required string? ExternalNetwork { get; init; }
    public required string? ExternalNetworkSelector { get; init; }
    public required IReadOnlyList<string> LoadBalancerIPs { get; init; }
    public required bool AllocateLoadBalancerNodePorts { get; init; }
    public required ExternalTrafficPolicy ExternalTrafficPolicy { get; init; }
    public required SessionAffinity SessionAffinity { get; init; }
    public required IReadOnlyList<string> LoadBalancerSourceRanges { get; init; }

    /// <summary>Read-only.</summary>
    [JsonPropertyOrder(10)]
    public required ServiceStatus Status { get; init; }

    [JsonIgnore]
    public override string Collection => "services";
}

/// <summary>What became of a Service.</summary>
/// <param name="State">Pending: an address is missing; Deleting: on its way out; Failure: a vRouter refused its entries.</param>
/// <param name="ClusterIPs">In the order of ipFamilies.</param>
/// <param name="ExternalIPs">In the order of ipFamilies.</param>
/// <param name="ExternalNetwork">The network the external addresses are of.</param>
/// <param name="Endpoints">Chosen by the selector.</param>
/// <param name="FloatingIPs">Their names, cluster IPs first.</param>
/// <param name="Conditions">Allocated, Programmed, Advertised, Ready.</param>
public sealed record ServiceStatus(
    ResourceState State,
    IReadOnlyList<string> ClusterIPs,
    IReadOnlyList<string> ExternalIPs,
    string? ExternalNetwork,
    ServiceEndpoints Endpoints,
    IReadOnlyList<string> FloatingIPs,
    IReadOnlyList<ConditionBody> Conditions);

/// <summary>How many endpoints the selector chose, and how many of them take new flows.</summary>
/// <param name="Total">Chosen by the selector.</param>
/// <param name="Ready">Take new flows.</param>
public sealed record ServiceEndpoints(int Total, int Ready);
