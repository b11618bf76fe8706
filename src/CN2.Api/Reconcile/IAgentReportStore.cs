using CN2.Api.Data;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>What agents report, as rows (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IAgentReportStore
{
    Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode, int maximum, CancellationToken ct);

    Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct);

    /// <summary>The same for many agents at once, of which only those are taken that have nothing to be asked: see <see cref="AgentReportStore.ConnectKnownAsync"/>.</summary>
    Task<IReadOnlyCollection<VRouterHello>> ConnectKnownAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, DateTimeOffset now, CancellationToken ct);

    /// <summary>The same for many agents that have no VirtualRouter yet: see <see cref="AgentReportStore.ConnectNewAsync"/>.</summary>
    Task<IReadOnlyCollection<VRouterHello>> ConnectNewAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct);

    Task SaveIntruderAsync(VRouterHello hello, AgentRefusal refusal, DateTimeOffset now, CancellationToken ct);

    Task ForgetIntrudersAsync(CancellationToken ct);

    Task DisconnectAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, CancellationToken ct);

    Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct);

    Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct);

    /// <summary>Saves what all agents of a control node have applied. No change row tells of it: the other control nodes are woken, and look while they wait for agents there.</summary>
    Task EnterAsync(string controlNode, CancellationToken ct);

    Task ShareAsync(AgentsApplied applied, CancellationToken ct);

    Task<int> MarkLostAsync(LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers, CancellationToken ct);
}
