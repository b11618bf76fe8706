using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Text.Json.Serialization;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using CN2.Network.Status;

namespace CN2.Api.Services;

/// <summary>A Service in requests: ports of an address, in front of the endpoints that its selector selects.</summary>
public sealed record ServiceRequest : ResourceRequest
{
    /// <summary>LoadBalancer (default), ClusterIP or NodePort.</summary>
    public ServiceType? Type { get; set; }

    /// <summary>Selects endpoints of the same namespace whose labels have these values, at most 32. When absent or empty, no endpoint is selected.</summary>
    [AtMost(Limits.SelectorRequirements)]
    public Dictionary<string, string>? Selector { get; set; }

    /// <summary>The ports of the Service; at least one.</summary>
    [Required]
    [AtMost(Limits.Ports)]
    public List<ServicePortRequest>? Ports { get; set; }

    /// <summary>IPv4, IPv6 or both, the primary family first; IPv4 by default.</summary>
    [AtMost(Limits.IPFamilies)]
    public List<IPFamily>? IpFamilies { get; set; }

    /// <summary>SingleStack by default; PreferDualStack by default when ipFamilies has two families.</summary>
    public IPFamilyPolicy? IpFamilyPolicy { get; set; }

    /// <summary>The network of the external addresses: <c>namespace/name</c>, or <c>name</c> in the same namespace. It takes precedence over selectors.</summary>
    [AtMost(Limits.Reference)]
    public string? ExternalNetwork { get; set; }

    /// <summary>The name of the ExternalNetworkSelector that selects the network; <c>default-external</c> by default.</summary>
    [AtMost(Limits.Reference)]
    public string? ExternalNetworkSelector { get; set; }

    /// <summary>The requested external addresses, at most one for each family. If a reserved FloatingIP of this namespace has the address, the Service claims it.</summary>
    [AtMost(Limits.LoadBalancerIPs)]
    public List<string>? LoadBalancerIPs { get; set; }

    /// <summary>Whether a Service of type LoadBalancer gets node ports; true by default.</summary>
    public bool? AllocateLoadBalancerNodePorts { get; set; }

    /// <summary>Local (default): packets go to endpoints on the node that received them. Cluster: they go to any endpoint.</summary>
    public ExternalTrafficPolicy? ExternalTrafficPolicy { get; set; }

    /// <summary>None (default) or ClientIP: all connections of a client go to one endpoint.</summary>
    public SessionAffinity? SessionAffinity { get; set; }

    /// <summary>The clients (CIDRs) that may use the external addresses; empty means all clients.</summary>
    [AtMost(Limits.SourceRanges)]
    public List<string>? LoadBalancerSourceRanges { get; set; }

    /// <summary>The cluster IPs that the Kubernetes API asks for, at most one of each family; a family without one gets any.</summary>
    [JsonIgnore]
    internal IReadOnlyList<IPAddress> ClusterIPs { get; set; } = [];
}

/// <summary>One port of a Service.</summary>
public sealed record ServicePortRequest
{
    /// <summary>The name of the port, a DNS-1123 label; may be absent.</summary>
    [AtMost(Limits.Reference)]
    public string? Name { get; set; }

    /// <summary>TCP (default), UDP or SCTP.</summary>
    public TransportProtocol? Protocol { get; set; }

    /// <summary>The port of the address: 1 to 65535.</summary>
    [Required]
    public int? Port { get; set; }

    /// <summary>The port of the endpoint: 1 to 65535; default: the same port.</summary>
    public int? TargetPort { get; set; }

    /// <summary>The port on every node. When absent, one is allocated for NodePort, and for LoadBalancer unless allocateLoadBalancerNodePorts is false.</summary>
    public int? NodePort { get; set; }
}

/// <summary>A Service in answers.</summary>
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

/// <summary>The state of a Service.</summary>
/// <param name="State">Pending: it lacks an address or a node port. Deleting: its routes and NAT entries are being removed. Failure: a vRouter refused its NAT entries. Success: otherwise.</param>
/// <param name="ClusterIPs">In the order of ipFamilies.</param>
/// <param name="ExternalIPs">In the order of ipFamilies.</param>
/// <param name="ExternalNetwork">The network of the external addresses, <c>namespace/name</c>.</param>
/// <param name="Endpoints">How many endpoints the selector selects.</param>
/// <param name="FloatingIPs">The names of its FloatingIPs; those of the cluster IPs come first.</param>
/// <param name="Conditions">Allocated, Programmed, Advertised, Ready.</param>
public sealed record ServiceStatus(
    ResourceState State,
    IReadOnlyList<string> ClusterIPs,
    IReadOnlyList<string> ExternalIPs,
    string? ExternalNetwork,
    ServiceEndpoints Endpoints,
    IReadOnlyList<string> FloatingIPs,
    IReadOnlyList<ConditionBody> Conditions);

/// <summary>How many endpoints the selector selects, and how many of them take new flows.</summary>
/// <param name="Total">How many endpoints the selector selects.</param>
/// <param name="Ready">How many of them take new flows.</param>
public sealed record ServiceEndpoints(int Total, int Ready);
