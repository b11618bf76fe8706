using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>What the compiler needs of a Service. Its FloatingIPs are rows of their own (<see cref="FloatingIP.Service"/>).</summary>
public sealed record Service
{
    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }
    public required ServiceType Type { get; init; }

    /// <summary>Equality requirements over endpoint labels; empty selects nothing.</summary>
    public required IReadOnlyDictionary<string, string> Selector { get; init; }

    public required EquatableList<ServicePort> Ports { get; init; }
    public ExternalTrafficPolicy ExternalTrafficPolicy { get; init; }
    public SessionAffinity SessionAffinity { get; init; }
    public EquatableList<IPNetwork> LoadBalancerSourceRanges { get; init; } = [];

    /// <summary>Grows with every change of what the user asked for.</summary>
    public long Generation { get; init; }

    /// <summary>The user deleted it: its routes are withdrawn first, then its NAT entries are removed.</summary>
    public bool Deleting { get; init; }

    /// <summary>Why addresses or node ports are missing (a condition reason); null when all are allocated.</summary>
    public string? PendingReason { get; init; }

    /// <summary>A sentence for the user about <see cref="PendingReason"/>.</summary>
    public string? PendingMessage { get; init; }
}
