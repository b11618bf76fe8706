using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>Drafts the statuses that are due and hands those that are news to the <see cref="IStatusRecorder"/>.</summary>
internal sealed class StatusDispatcher(LoopState state, IBgpSpeaker speaker, IStatusRecorder recorder, LoopInbox inbox)
{
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
        var owners = state.Statuses.Take(now, next);
        if (owners.Count == 0) return;
        var facts = new StatusFacts(state, speaker);
        var news = state.Statuses.TakeNews(owners.SelectMany(facts.Of));
        if (news.Count > 0) recorder.Post(news);
        else if (!state.Statuses.IsEmpty) inbox.Wake(); // nothing is written that would wake the loop for the rest
    }
}
