using System.Net;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Handles what agents on streams to this replica report.</summary>
internal sealed partial class AgentEventHandler(
    LoopState state, VRouterDispatcher dispatcher, AgentRecorder recorder, AgentProgress progress, ILogger<AgentEventHandler> logger)
{
    public void Handle(AgentEvent agentEvent)
    {
        var account = state.Ledger.Open(agentEvent.Name);
        account.LastSeenAt = state.Clock.Now;
        switch (agentEvent)
        {
            case AgentEvent.Connected connected:
                account.AgentVersion = connected.Hello.AgentVersion;
                account.Hello = connected.Hello;
                SetError(account, null);
                recorder.Connected(connected.Hello);
                dispatcher.Connected(account.Name);
                LogConnected(account.Name, connected.Hello.Address);
                break;
            case AgentEvent.Disconnected:
                recorder.Disconnected(account.Name);
                dispatcher.Disconnected(account.Name);
                // The VirtualRouter was deleted while its agent was here.
                if (state.Resources.VirtualRouter(account.Name) is null) state.ForgetVirtualRouter(account.Name);
                LogDisconnected(account.Name);
                break;
            case AgentEvent.Applied applied:
                Acknowledge(account, applied);
                break;
            case AgentEvent.Health health:
                RecordHealth(health);
                break;
            case AgentEvent.Noticed noticed:
                account.Message = Storable(noticed.Message);
                break;
            case AgentEvent.Seen seen:
                account.Repairs = seen.Repairs;
                break;
        }

        if (account.ConnectedHere) progress.Save(account, atOnce: agentEvent is AgentEvent.Applied);
    }

    private void Acknowledge(VirtualRouterLedger.Account account, AgentEvent.Applied applied)
    {
        if (SetError(account, Storable(applied.Error)) && applied.Error is not null) LogRefused(account.Name, applied.Revision, applied.Error);
        if (applied.Error is not null) return;

        state.Statuses.Add(account.Applied(applied.Revision));
        state.Sequencer.Acknowledged(account.Name, state.Clock.Now);
    }

    /// <summary>
    /// Health takes effect through the database and the change feed, not here: so all replicas see the same endpoints in the same order.
    /// </summary>
    private void RecordHealth(AgentEvent.Health health)
    {
        var found = health.Endpoints.Where(e => e.Health != EndpointHealth.Unknown).ToList();
        foreach (var (endpoint, result, _) in found) dispatcher.ProbeFound(health.Name, endpoint, result);
        recorder.Health(found.Select(e => new EndpointHealthReport(e.Uid, health.Name, e.Health.ToString(), Storable(e.Message))));
    }

    /// <summary>True when the error is new. It concerns the owners that wait for this vRouter, or all while it has not acknowledged anything.</summary>
    private bool SetError(VirtualRouterLedger.Account account, string? error)
    {
        if (account.Error == error) return false;
        account.Error = error;
        state.Statuses.Add(account.Answered ? account.Awaited : state.Sequencer.Compiled.Keys);
        return true;
    }

    /// <summary>PostgreSQL accepts no NUL in a text; the text of one agent must not stop the reports of the others.</summary>
    private static string? Storable(string? text) => text?.Replace("\0", "", StringComparison.Ordinal);

    [LoggerMessage(Level = LogLevel.Information, Message = "vRouter {Name} ({Address}) connected")]
    private partial void LogConnected(string name, IPAddress address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "vRouter {Name} disconnected; it goes on forwarding what it has")]
    private partial void LogDisconnected(string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "vRouter {Name} refused revision {Revision}: {Error}")]
    private partial void LogRefused(string name, ulong revision, string error);
}
