namespace CN2.Api.Reconcile;

/// <summary>Brings everything into memory before the tasks of the reconciler start: the database, and what an earlier run of this control node left.</summary>
internal sealed class ReconcileStart(
    IAgentReportStore agents, SpeakerWorker speaker, FeedReader feed, OwnerCompiler compiler, StartupGate gate, ReplicaHeartbeat heartbeat, SessionTurns turns)
{
    public async Task LoadAsync(CancellationToken ct)
    {
        // The last heartbeat of the earlier run says until when its agents were heard.
        await agents.DisconnectAsync(heartbeat.ControlNode, null, ct);
        await agents.EnterAsync(heartbeat.ControlNode, ct);
        await heartbeat.EnterAsync(ct);
        if (await speaker.LoadAsync(ct)) gate.AnnouncedBefore();
        // After the rows of what was announced: it says whether a fail-over has lost some of them.
        await turns.LoadAsync(await heartbeat.LastSessionsAsync(ct), ct);
        speaker.BeginToAsk(ct);
        await feed.LoadAsync(ct);
        compiler.Compile();
    }
}
