namespace CN2.Api.Reconcile;

/// <summary>Handles everything that other threads have posted since the last round, and what the speaker has to say about its peers.</summary>
internal sealed class InboxHandler(
    LoopState state, LoopInbox inbox, AgentEventHandler agents, SpeakerDispatcher speaker, LeaderDuties leader, SessionWatch sessions)
{
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => inbox.WaitAsync(atMost, ct);

    public void HandleAll()
    {
        while (inbox.TryTake(out var loopEvent)) Handle(loopEvent);
        if (sessions.TakeReachChanged()) state.ReachedPeersChanged();
        speaker.TakeImported();
        speaker.TakeMoved();
    }

    private void Handle(LoopEvent loopEvent)
    {
        switch (loopEvent)
        {
            case AgentEvent agentEvent:
                agents.Handle(agentEvent);
                break;
            case SpeakerEvent speakerEvent:
                speaker.Handle(speakerEvent);
                break;
            case ReplicaView view:
                speaker.Handle(view);
                break;
            case LeaderEvent leaderEvent:
                leader.Handle(leaderEvent);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(loopEvent), loopEvent, "is no known event");
        }
    }
}
