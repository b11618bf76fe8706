namespace CN2.Api.Reconcile;

/// <summary>
/// Sends to the speaker, the vRouters and the other replicas what has changed, as far as the start of the control node has come; to /metrics, how
/// the vRouters are.
/// </summary>
internal sealed class Outbox(StartupGate gate, SpeakerDispatcher speaker, VRouterDispatcher vRouters, UnknownEntries unknown, AgentProgress progress, VirtualRouterCensus census)
{
    public void Send(DateTimeOffset now, NextTick next)
    {
        gate.Tick(now, next);
        speaker.Send();
        var unsentUntil = gate.State.ServesAgents ? vRouters.Flush() : null;
        next.NoLaterThan(unsentUntil);
        next.NoLaterThan(unknown.DueAt);
        speaker.Release();
        progress.ShareWithOthers(next);
        census.Take(now);
    }
}
