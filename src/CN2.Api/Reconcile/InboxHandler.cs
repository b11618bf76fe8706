namespace CN2.Api.Reconcile;

/// <summary>Handles what other threads have posted since the last round, and what the speaker has to say about its peers.</summary>
internal sealed class InboxHandler(
    LoopState state, LoopInbox inbox, AgentEventHandler agents, SpeakerDispatcher speaker, LeaderDuties leader, SessionWatch sessions, SessionLog sessionLog)
{
    /// <summary>Events of one round: whoever posts faster than the loop handles does not keep it from its other steps.</summary>
    public const int MostAtOnce = 10_000;

    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => inbox.WaitAsync(atMost, ct);

    public void HandleAll()
    {
        for (var left = MostAtOnce; inbox.TryTake(out var loopEvent); left--)
        {
            Handle(loopEvent);
            if (left > 1) continue;
            inbox.Wake(); // the next round takes the rest
            break;
        }

        sessionLog.Follow();
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
                agents.Handle(view);
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
