using System.Net;

namespace CN2.Network.Resources;

/// <summary>A compute node; its address is the BGP next hop (CN2: vhost0).</summary>
public sealed record VirtualRouter
{
    public required Guid Uid { get; init; }
    public required string Name { get; init; }

    /// <summary>IPv4; null only when the stored one is no <see cref="Addressing.HostAddress"/>. Without it the node gets no route.</summary>
    public required IPAddress? Address { get; init; }

    public IPAddress? Address6 { get; init; }

    /// <summary>Maintenance: routes withdrawn, entries kept.</summary>
    public bool AdminDown { get; init; }

    /// <summary>Its agent has been away longer than <c>VRouters:LostAfterSeconds</c>: routes withdrawn, entries kept (headless).</summary>
    public bool Lost { get; init; }
}
