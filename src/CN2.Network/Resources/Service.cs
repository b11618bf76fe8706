using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>How a Service is reached: by an external address, by a cluster IP only, or by a node port.</summary>
public enum ServiceType
{
    LoadBalancer,
    ClusterIP,
    NodePort,
}

/// <summary>Which endpoints serve a packet that came to the external address.</summary>
public enum ExternalTrafficPolicy
{
    /// <summary>Only endpoints on the vRouter that received the packet (CN2's behaviour); the client address is kept.</summary>
    Local,

    /// <summary>Any endpoint; towards another node the source becomes the node's address.</summary>
    Cluster,
}

/// <summary>ClientIP: all flows of a client go to the same endpoint.</summary>
public enum SessionAffinity
{
    None,
    ClientIP,
}

/// <summary>One port of a Service. <paramref name="NodePort"/> is 0 when none was allocated.</summary>
public sealed record ServicePort(string? Name, TransportProtocol Protocol, ushort Port, ushort TargetPort, ushort NodePort);

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

    /// <summary>Moves on every change of what the user asked for.</summary>
    public long Generation { get; init; }

    /// <summary>The user deleted it: no route any more, and soon no entry.</summary>
    public bool Deleting { get; init; }

    /// <summary>Why addresses or node ports are still missing (a condition reason), or null when all is allocated.</summary>
    public string? PendingReason { get; init; }

    /// <summary>A sentence for the user about <see cref="PendingReason"/>.</summary>
    public string? PendingMessage { get; init; }
}
