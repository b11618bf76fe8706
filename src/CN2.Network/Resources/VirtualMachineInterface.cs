using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>An endpoint: a pod's or VM's port on a compute node.</summary>
public sealed record VirtualMachineInterface
{
    /// <summary>Also the weight of an endpoint that names none.</summary>
    public const int LowestWeight = 1;
    public const int HighestWeight = 100;

    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>At most one address of each family.</summary>
    public required EquatableList<IPAddress> Addresses { get; init; }

    /// <summary>
    /// One of its addresses is the infrastructure's: that of a VirtualRouter, a BgpRouter, a control node or the database server. It is not
    /// served, because a FloatingIP would publish what listens there.
    /// </summary>
    public bool HasInfrastructureAddress { get; init; }

    /// <summary>Name of the VirtualRouter it lives on; it need not exist yet.</summary>
    public required string VirtualRouter { get; init; }

    /// <summary>False drains the endpoint: established flows go on, new ones go elsewhere.</summary>
    public required bool Ready { get; init; }

    /// <summary>How many new flows it takes in proportion to the other endpoints, <see cref="LowestWeight"/> to <see cref="HighestWeight"/>.</summary>
    public int Weight { get; init; } = LowestWeight;

    /// <summary>Name of a ServiceHealthCheck of the same namespace, or null.</summary>
    public string? HealthCheck { get; init; }

    /// <summary>What the probe of the vRouter last found; kept over restarts of agent and server.</summary>
    public EndpointHealth Health { get; init; }

    /// <summary>It is up and takes no new flows yet, because it has gone down too often (<see cref="FlapDamping"/>).</summary>
    public bool HeldBack { get; init; }
}
