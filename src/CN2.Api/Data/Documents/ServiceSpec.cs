using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>
/// Column <c>service.spec</c>: the request with every default filled in, and the allocated node ports. Lists and maps are in canonical
/// order, so that equal specs are equal texts.
/// </summary>
public sealed record ServiceSpec
{
    public ServiceType Type { get; set; }

    /// <summary>Equality requirements over endpoint labels; empty selects nothing.</summary>
    public SortedDictionary<string, string> Selector { get; set; } = new(StringComparer.Ordinal);

    public List<ServicePortSpec> Ports { get; set; } = [];

    /// <summary>The first is the primary one.</summary>
    public List<IPFamily> IpFamilies { get; set; } = [];

    public IPFamilyPolicy IpFamilyPolicy { get; set; }

    /// <summary><c>namespace/name</c>, or null: chosen by a selector.</summary>
    public string? ExternalNetwork { get; set; }

    /// <summary>Null: <c>default-external</c>.</summary>
    public string? ExternalNetworkSelector { get; set; }

    /// <summary>Canonical text, at most one of a family.</summary>
    public List<string> LoadBalancerIPs { get; set; } = [];

    public bool AllocateLoadBalancerNodePorts { get; set; } = true;
    public ExternalTrafficPolicy ExternalTrafficPolicy { get; set; }
    public SessionAffinity SessionAffinity { get; set; }

    /// <summary>CIDRs; empty: every client.</summary>
    public List<string> LoadBalancerSourceRanges { get; set; } = [];

    /// <summary>
    /// The user chose another network that has had no address yet. The Service keeps its addresses of the old network until it gets new
    /// ones. Not shown to users.
    /// </summary>
    public bool Moving { get; set; }
}

/// <summary>One port. <see cref="NodePort"/> null: none allocated (yet).</summary>
public sealed record ServicePortSpec
{
    public string? Name { get; set; }
    public TransportProtocol Protocol { get; set; } = TransportProtocol.TCP;
    public int Port { get; set; }
    public int TargetPort { get; set; }
    public int? NodePort { get; set; }
}
