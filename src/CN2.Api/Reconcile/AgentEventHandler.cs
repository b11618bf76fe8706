using System.Net;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Handles what agents on streams to this replica report.</summary>
internal sealed partial class AgentEventHandler(
    LoopState state, VRouterDispatcher dispatcher, AgentRecorder recorder, AgentRelocation relocation, AgentProgress progress, VanishedNodes vanished, ILogger<AgentEventHandler> logger)
{
    public void Handle(AgentEvent agentEvent)
    {
        if (agentEvent is AgentEvent.Vanished gone)
        {
            vanished.Handle(gone);
            return;
        }

        var account = state.Ledger.Open(agentEvent.Name);
        var hadAnswered = account.Answered;
        if (agentEvent is not AgentEvent.Recorded) account.LastSeenAt = state.Clock.Now;
        switch (agentEvent)
        {
            case AgentEvent.Connected connected:
                account.AgentVersion = connected.Hello.AgentVersion;
                (account.Hello, account.Recorded) = (connected.Hello, false);
                SetError(account, null);
                recorder.Connected(connected.Hello);
                dispatcher.Connected(account.Name);
                LogConnected(account.Name, connected.Hello.Address);
                break;
            case AgentEvent.Recorded recorded:
                // Not when the agent has connected anew since.
                if (ReferenceEquals(account.Hello, recorded.Hello)) account.Recorded = true;
                return;
            case AgentEvent.Disconnected:
                account.Hello = null;
                recorder.Disconnected(account.Name);
                dispatcher.Disconnected(account.Name);
                progress.Left();
                // The VirtualRouter was deleted while its agent was here.
                if (state.Resources.VirtualRouter(account.Name) is null) state.ForgetVirtualRouter(account.Name);
                LogDisconnected(account.Name);
                break;
            case AgentEvent.Applied applied:
                var isNews = Acknowledge(account, applied);
                if (account.ConnectedHere) progress.Answered(account, isNews, isFirstAnswer: account.Answered && !hadAnswered);
                return;
            case AgentEvent.Health health:
                RecordHealth(health);
                break;
            case AgentEvent.Noticed noticed:
                account.Message = noticed.Message;
                break;
            case AgentEvent.Inspected inspected:
                progress.SetForwarding(account, ForwardingJudgement.Of(inspected.Faults));
                break;
            case AgentEvent.Seen seen:
                account.Repairs = seen.Repairs;
                break;
        }

        if (account.ConnectedHere) progress.Save(account, atOnce: false);
    }

    public void Handle(ReplicaView view) => relocation.Found(others: view.OthersTakingAgents);

    /// <summary>True: it refuses something else than before.</summary>
    private bool Acknowledge(VirtualRouterLedger.Account account, AgentEvent.Applied applied)
    {
        if (applied.Revision > account.LastRevision) return false; // it was never sent
        var isOtherError = SetError(account, applied.Error);
        if (isOtherError && applied.Error is not null) LogRefused(account.Name, applied.Revision, applied.Error);
        if (applied.Error is not null) return isOtherError;

        // First, so that the acknowledgement releases no route whose entry is refused.
        var refusesOthers = progress.SetRefused(account, RefusedItems.Of(applied.Refused));
        if (refusesOthers && account.Refused.Summary is { } summary) LogRefusedItems(account.Name, applied.Revision, summary);
        account.Applied(applied.Revision);
        state.Sequencer.Acknowledged(account.Name, state.Clock.Now);
        return isOtherError || refusesOthers;
    }

    /// <summary>
    /// Health takes effect through the database and the change feed, not here: so all replicas see the same endpoints in the same order.
    /// </summary>
    private void RecordHealth(AgentEvent.Health health)
    {
        if (health.LeftOut > 0) LogLeftOut(health.Name, health.LeftOut, WaitingEvents.MostEndpoints);
        // Only of endpoints that it probes, so that what waits for the database has a bound. A probe that is not known here yet is sent later,
        // and the agent reports it again if its result differs.
        var found = health.Endpoints.Where(e => e.Health != EndpointHealth.Unknown && state.Resources.ProbeOf(e.Uid)?.VirtualRouter == health.Name).ToList();
        foreach (var (endpoint, result, _) in found) dispatcher.ProbeFound(health.Name, endpoint, result);
        recorder.Health(found.Select(e => new EndpointHealthReport(e.Uid, health.Name, e.Health.ToString(), e.Message)));
    }

    /// <summary>True when the error is new. It concerns the owners that wait for this vRouter, or all while it has not acknowledged anything.</summary>
    private bool SetError(VirtualRouterLedger.Account account, string? error)
    {
        if (account.Error == error) return false;
        account.Error = error;
        state.Statuses.Add(account.Answered ? account.Awaited : state.Sequencer.Compiled.Keys);
        return true;
    }

    [LoggerMessage(EventId = 202, Level = LogLevel.Information, Message = "vRouter {Name} ({Address}) connected")]
    private partial void LogConnected(string name, IPAddress address);

    [LoggerMessage(EventId = 203, Level = LogLevel.Warning, Message = "vRouter {Name} disconnected; it goes on forwarding what it has")]
    private partial void LogDisconnected(string name);

    [LoggerMessage(EventId = 204, Level = LogLevel.Error, Message = "Of revision {Revision} vRouter {Name} refused: {Reason}. Everything else is in force")]
    private partial void LogRefusedItems(string name, ulong revision, string reason);

    [LoggerMessage(EventId = 252, Level = LogLevel.Warning, Message = "vRouter {Name} reported the health of more than {Most} endpoints while the control loop was busy: {LeftOut} results were left out. Restart its agent, which then reports all of them")]
    private partial void LogLeftOut(string name, int leftOut, int most);

    [LoggerMessage(EventId = 205, Level = LogLevel.Error, Message = "vRouter {Name} refused revision {Revision}: {Error}")]
    private partial void LogRefused(string name, ulong revision, string error);
}
