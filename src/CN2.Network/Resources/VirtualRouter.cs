using System.Net;

namespace CN2.Network.Resources;

/// <summary>A compute node; its address is the BGP next hop (CN2: vhost0).</summary>
public sealed record VirtualRouter
{
    public required Guid Uid { get; init; }
    public required string Name { get; init; }

    /// <summary>IPv4. Null only when the stored address is not a <see cref="Addressing.HostAddress"/>; the node then gets no route.</summary>
    public required IPAddress? Address { get; init; }

    public IPAddress? Address6 { get; init; }

    /// <summary>Maintenance: routes are withdrawn, NAT entries stay.</summary>
    public bool AdminDown { get; init; }

    /// <summary>The agent has been away for longer than <c>VRouters:LostAfterSeconds</c>: routes are withdrawn, NAT entries stay (headless).</summary>
    public bool Lost { get; init; }

    /// <summary>Routes through the node have this next hop.</summary>
    public bool Has(IPAddress nextHop) => nextHop.Equals(Address) || nextHop.Equals(Address6);
}
