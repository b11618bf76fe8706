using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>What one heartbeat found out about this replica and the others.</summary>
/// <param name="HasOthers">Another replica is alive.</param>
/// <param name="MustIntroduce">The others do not know the announcement rows of this replica: they must read all of them.</param>
/// <param name="RowsLost">The others believed that this replica was gone and removed its announcement rows, or they have written some for it.</param>
/// <param name="Sessions">Other control node that is alive → its BGP sessions.</param>
internal sealed record ReplicaView(
    bool HasOthers, bool MustIntroduce, bool RowsLost, IReadOnlyDictionary<string, IReadOnlyList<BgpSession>> Sessions) : LoopEvent
{
    /// <summary>Control node that is gone → the BGP sessions that it had when it was last seen. Nothing when nobody else was there before either.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<BgpSession>> Gone { get; init; } = new Dictionary<string, IReadOnlyList<BgpSession>>();

    /// <summary>Other replicas that are alive and take agents.</summary>
    public int OthersTakingAgents { get; init; }
}
