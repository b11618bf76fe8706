namespace CN2.Api.Reconcile;

/// <summary>What this control node writes about itself beside its announcement rows: its sessions, and the sessions that it owes routers.</summary>
internal sealed class OwnRows(ReplicaHeartbeat heartbeat, SessionTurns turns)
{
    /// <inheritdoc cref="ReplicaHeartbeat.SetRestartTime"/>
    public void SetRestartTime(int seconds) => heartbeat.SetRestartTime(seconds);

    /// <summary>The database is not the one it was, and may have lost them.</summary>
    public void Rewrite()
    {
        heartbeat.RewriteSessions();
        RewriteOwed();
    }

    /// <summary>The row of the control node was made anew, by a heartbeat that writes the sessions itself.</summary>
    public void RewriteOwed() => turns.DatabaseChanged();
}
