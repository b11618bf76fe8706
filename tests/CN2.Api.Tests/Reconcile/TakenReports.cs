using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A database that takes everything that is said of agents, and remembers nothing. A test overrides what it looks at.</summary>
internal class TakenReports : IAgentReportStore
{
    public virtual Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct) => Task.CompletedTask;

    public virtual Task ShareAsync(AgentsApplied applied, CancellationToken ct) => Task.CompletedTask;

    public virtual Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct) => Task.CompletedTask;

    public Task EnterAsync(string controlNode, CancellationToken ct) => Task.CompletedTask;

    public Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode, int maximum, CancellationToken ct) => Task.FromResult<AgentRefusal?>(null);

    public Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) => Task.FromResult<AgentRefusal?>(null);

    public Task<IReadOnlyCollection<VRouterHello>> ConnectKnownAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, DateTimeOffset now, CancellationToken ct) => Task.FromResult(hellos);

    public Task<IReadOnlyCollection<VRouterHello>> ConnectNewAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) => Task.FromResult(hellos);

    public Task SaveIntruderAsync(VRouterHello hello, AgentRefusal refusal, DateTimeOffset now, CancellationToken ct) => Task.CompletedTask;

    public Task ForgetIntrudersAsync(CancellationToken ct) => Task.CompletedTask;

    public Task DisconnectAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, CancellationToken ct) => Task.CompletedTask;

    public Task<int> MarkLostAsync(LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers, CancellationToken ct) => Task.FromResult(0);
}
