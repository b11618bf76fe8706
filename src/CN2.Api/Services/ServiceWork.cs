using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.Services;

/// <summary>One Service on its way through <see cref="ServiceAllocation"/>: what it is to be, what it holds, what it still needs.</summary>
internal sealed class ServiceWork
{
    public required ServiceRow Row { get; init; }
    public required ServiceSpec Spec { get; init; }

    /// <summary>What it was; null: it is new.</summary>
    public ServiceSpec? Before { get; init; }

    /// <summary>FloatingIPs it holds, without those on their way out.</summary>
    public List<FloatingIPRow> Held { get; init; } = [];

    /// <summary>The caller is the reconciler: what a user would be refused leaves it pending instead.</summary>
    public bool Serving { get; init; }

    // The plan.
    public ApiProblem? Refusal { get; set; }
    public List<AddressDemand> ClusterDemands { get; } = [];
    public AddressDemand? ExternalDemand { get; set; }

    /// <summary>Addresses asked for by name, each with the subnets that contain it, best network first.</summary>
    public List<AskedAddress> Asked { get; } = [];

    /// <summary>Goes when the demand and the asked-for addresses were had.</summary>
    public List<FloatingIPRow> Replaced { get; } = [];

    /// <summary>Goes in any case.</summary>
    public List<FloatingIPRow> Dropped { get; } = [];

    /// <summary>Its external addresses, without those that go in any case.</summary>
    public IEnumerable<FloatingIPRow> External => Held.Where(f => f.ExternalNetworkUid is not null && !Dropped.Contains(f));

    public List<NodePortDemand> NodePortDemands { get; } = [];
    public List<(short Protocol, int Port)> AskedNodePorts { get; } = [];
    public List<(short Protocol, int Port)> ReturnedNodePorts { get; } = [];
    public string? PendingReason { get; set; }
    public string? PendingMessage { get; set; }

    // What came of it.
    public List<FloatingIPRow> Added { get; } = [];
    public List<FloatingIPRow> Claimed { get; } = [];
    public List<FloatingIPRow> Retired { get; } = [];

    public void Pend(string reason, string message)
    {
        // The first reason stands: cluster IP, then external address, then node ports.
        PendingReason ??= reason;
        PendingMessage = PendingMessage is null ? message : $"{PendingMessage} {message}";
    }
}

/// <summary>An address a user asked for and the places where it could be, best first.</summary>
internal sealed record AskedAddress(IPAddress Address, IPFamily Family, IReadOnlyList<(CatalogNetwork Network, CatalogSubnet Subnet)> Places);
