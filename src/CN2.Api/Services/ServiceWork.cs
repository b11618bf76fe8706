using System.Net;
using CN2.Api.Access;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.Services;

/// <summary>One Service in <see cref="ServiceAllocation"/>: the spec it should have, what it holds, what it needs, and what it got.</summary>
internal sealed class ServiceWork
{
    public required ServiceRow Row { get; init; }
    public required ServiceSpec Spec { get; init; }

    /// <summary>The spec before; null: the Service is new.</summary>
    public ServiceSpec? Before { get; init; }

    /// <summary>The FloatingIPs it holds, without those marked for deletion.</summary>
    public List<FloatingIPRow> Held { get; init; } = [];

    /// <summary>The caller is the reconciler: what would refuse a request leaves the Service pending.</summary>
    public bool Serving { get; init; }

    /// <summary>What the caller may do; nobody asks for it while <see cref="Serving"/>.</summary>
    public CallerRights Rights { get; init; } = CallerRights.None;

    /// <summary>What is kept of its Kubernetes object, to be written with it.</summary>
    public KubernetesObjectRow? Kept { get; init; }

    /// <summary>The cluster IPs that the user asks for; those of families that have one already mean nothing.</summary>
    public IReadOnlyList<IPAddress> ClusterIPs { get; init; } = [];

    // The plan.
    public ApiProblem? Refusal { get; set; }
    public List<AddressDemand> ClusterDemands { get; } = [];
    public AddressDemand? ExternalDemand { get; set; }

    /// <summary>Requested cluster IPs, each in the pool that it is taken from.</summary>
    public List<PooledAddress> AskedClusterIPs { get; } = [];

    /// <summary>Requested external addresses, each with the subnets that contain it, best network first.</summary>
    public List<AskedAddress> Asked { get; } = [];

    /// <summary>Retired once the new addresses are allocated.</summary>
    public List<FloatingIPRow> Replaced { get; } = [];

    /// <summary>Retired in any case.</summary>
    public List<FloatingIPRow> Dropped { get; } = [];

    /// <summary>Its external addresses, without those that are retired in any case.</summary>
    public IEnumerable<FloatingIPRow> External => Held.Where(f => f.ExternalNetworkUid is not null && !Dropped.Contains(f));

    public List<NodePortDemand> NodePortDemands { get; } = [];
    public List<(short Protocol, int Port)> AskedNodePorts { get; } = [];
    public List<(short Protocol, int Port)> ReturnedNodePorts { get; } = [];
    public string? PendingReason { get; set; }
    public string? PendingMessage { get; set; }

    // The result.
    public List<FloatingIPRow> Added { get; } = [];
    public List<FloatingIPRow> Claimed { get; } = [];
    public List<FloatingIPRow> Retired { get; } = [];

    public void Pend(string reason, string message)
    {
        // The first reason is kept: cluster IP, then external address, then node ports.
        PendingReason ??= reason;
        PendingMessage = PendingMessage is null ? message : $"{PendingMessage} {message}";
    }
}

/// <summary>A requested address and the subnets it can come from, best first.</summary>
internal sealed record AskedAddress(IPAddress Address, IPFamily Family, IReadOnlyList<(CatalogNetwork Network, CatalogSubnet Subnet)> Places);
