using System.Net;

namespace CN2.Api.Drivers;

/// <summary>The first message of an agent that has connected to this replica.</summary>
/// <param name="OverlayEngine"><c>userspace</c>, <c>kernel</c>, or null when it has none.</param>
public sealed record VRouterHello(string Name, IPAddress Address, IPAddress? Address6, string AgentVersion, string? OverlayEngine = null)
{
    /// <summary>What the agent keeps in its state directory, in hexadecimal; null: an older agent, which keeps nothing.</summary>
    public string? Instance { get; init; }

    /// <summary>Grows with each connection of the agent to any replica; 0: an older agent.</summary>
    public long Connection { get; init; }

    /// <summary>Of the VirtualRouter that the agent's certificate stands for; null: agents show none.</summary>
    public Guid? Uid { get; init; }

    /// <summary>Where the connection comes from; null: unknown.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The other servers of the agent; null: it has none, or does not say so.</summary>
    public VRouterOtherServers? OtherServers { get; init; }

    /// <summary>The same agent, which has connected again: not another one that was given the same name.</summary>
    public bool IsSameAgent(VRouterHello other) => Instance == other.Instance && Equals(Source, other.Source);
}
