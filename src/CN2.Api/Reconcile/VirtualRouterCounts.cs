namespace CN2.Api.Reconcile;

/// <summary>How many vRouters are in each state; every vRouter is in one. See docs/operating.md, Metrics and alerts.</summary>
internal sealed record VirtualRouterCounts(int Connected, int Disconnected, int Held, int Lost, int AdminDown)
{
    /// <summary>Those on whose nodes something stops the traffic; they are counted by their state too.</summary>
    public int NotForwarding { get; init; }

    /// <summary>Agents that are connected to this control node; their vRouters are counted by their state too.</summary>
    public int AgentsHere { get; init; }
}
