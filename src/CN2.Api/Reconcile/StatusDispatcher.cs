using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Drafts the statuses that are due and hands those that are news to the <see cref="IStatusRecorder"/>.</summary>
internal sealed class StatusDispatcher(LoopState state, IBgpSpeaker speaker, SessionWatch sessions, IStatusRecorder recorder, LoopInbox inbox)
{
    /// <summary>
    /// Owners whose drafts say that the engine or a session is away, although that does not count yet (<see cref="SessionWatch.LossSettleTime"/>). When
    /// it is back soon, nothing else would draft them again.
    /// </summary>
    private readonly HashSet<Guid> _draftedDuringLoss = [];

    /// <summary>This replica begins to lead: it does not know what its predecessor left unwritten.</summary>
    public void DraftAll()
    {
        state.Statuses.ForgetDrafts();
        state.Statuses.Add(state.Sequencer.Compiled.Keys);
        state.ReachedPeersChanged();
        state.Statuses.Add(state.Resources.FloatingIPs.Where(f => f.Service is null).Select(f => f.Uid));
    }

    public void Send(DateTimeOffset now, NextTick next)
    {
        if (_draftedDuringLoss.Count > 0 && sessions.IsAsBefore)
        {
            state.Statuses.Add(_draftedDuringLoss);
            _draftedDuringLoss.Clear();
        }

        var owners = state.Statuses.Take(now, next, owner => state.Ledger.IsBeingSent(owner, now));
        if (owners.Count == 0) return;
        var facts = new StatusFacts(state, speaker);
        var news = state.Statuses.TakeNews(owners.SelectMany(facts.Of));
        if (!sessions.IsAsBefore) _draftedDuringLoss.UnionWith(owners);
        if (news.Count > 0) recorder.Post(news);
        else if (state.Statuses.HasDue) inbox.Wake(); // nothing is written that would wake the loop for the rest
    }
}
