using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>An address that is held by a Service (<see cref="Service"/> set), by a user's reservation, or by both (a claimed reservation).</summary>
public sealed record FloatingIP
{
    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }
    public required FloatingIPKind Kind { get; init; }
    public required IPAddress Address { get; init; }

    /// <summary>
    /// The address is the infrastructure's (see <see cref="VirtualMachineInterface.HasInfrastructureAddress"/>), which came after it was given.
    /// It is not served, because its route would cut everybody behind the routers off from what has the address.
    /// </summary>
    public bool HasInfrastructureAddress { get; init; }

    /// <summary>The ExternalNetwork it was allocated from; null for a cluster IP.</summary>
    public Guid? ExternalNetwork { get; init; }

    /// <summary>The Service that holds it, or null while it is only reserved.</summary>
    public Guid? Service { get; init; }

    /// <summary>A user reserved it: it stays when the Service that claims it is deleted.</summary>
    public bool Reserved { get; init; }

    /// <summary>Names of the VirtualMachineInterfaces (same namespace) that a reserved FloatingIP is attached to directly.</summary>
    public EquatableList<string> Interfaces { get; init; } = [];

    /// <summary>Port map of a directly attached FloatingIP; empty: all ports, one to one.</summary>
    public EquatableList<PortMapping> PortMappings { get; init; } = [];

    public long Generation { get; init; }

    /// <summary>It is being deleted: first its routes go, then its NAT entries, then the address is free.</summary>
    public bool Deleting { get; init; }
}
