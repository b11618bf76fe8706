using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>What an address is for.</summary>
public enum FloatingIPKind
{
    /// <summary>An address of the service network; never advertised.</summary>
    ClusterIP,

    /// <summary>An address of an ExternalNetwork.</summary>
    External,
}

/// <summary>One line of a FloatingIP's port map (CN2: <c>portMappings[]{protocol, srcPort, dstPort}</c>).</summary>
public sealed record PortMapping(TransportProtocol Protocol, ushort Port, ushort TargetPort);

/// <summary>An address somebody holds: a Service (<see cref="Service"/> set), a user's reservation, or both (a claimed one).</summary>
public sealed record FloatingIP
{
    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }
    public required FloatingIPKind Kind { get; init; }
    public required IPAddress Address { get; init; }

    /// <summary>The ExternalNetwork it was allocated from; null for a cluster IP.</summary>
    public Guid? ExternalNetwork { get; init; }

    /// <summary>The Service that holds it, or null while it is only reserved.</summary>
    public Guid? Service { get; init; }

    /// <summary>Made by a user: it survives the Service that claims it.</summary>
    public bool Reserved { get; init; }

    /// <summary>Names of the VirtualMachineInterfaces (same namespace) a reserved FloatingIP is attached to directly.</summary>
    public EquatableList<string> Interfaces { get; init; } = [];

    /// <summary>Port map of a directly attached FloatingIP; empty: all ports, one to one.</summary>
    public EquatableList<PortMapping> PortMappings { get; init; } = [];

    public long Generation { get; init; }

    /// <summary>It is on its way out: its routes go first, then its entries, then the address is free.</summary>
    public bool Deleting { get; init; }
}
