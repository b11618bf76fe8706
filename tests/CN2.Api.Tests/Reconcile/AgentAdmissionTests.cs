using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Whether an agent may connect, before it gets anything. Who may have a name or an address: <see cref="AgentIdentityTests"/>.</summary>
public sealed class AgentAdmissionTests : IAsyncDisposable
{
    private static readonly VRouterHello Single = new("node1", IPAddress.Parse("172.28.0.1"), null, "1.0");
    private static readonly VRouterHello Several = Single with { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.Zero) };

    private static readonly AgentRefusal Duplicate = AgentConnection.Duplicate("node1", IPAddress.Parse("10.0.0.1"), "cn-b");

    private readonly Store _store = new();
    private readonly LoopParts _parts;

    public AgentAdmissionTests() => _parts = new LoopParts(replace: services => services.AddSingleton<IAgentReportStore>(_store));

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task An_agent_with_other_servers_waits_a_moment_until_everything_is_read_and_then_goes_to_another_one()
    {
        var refusal = Refusal(Several);
        await PassAsync(refusal);
        Assert.True((await refusal)?.IsElsewhere);
        Assert.Contains("has not read everything", (await refusal)?.Answer, StringComparison.Ordinal);

        var next = Refusal(Several with { Name = "node2" });
        _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(next.IsCompleted);
        _parts.Get<AgentRelocation>().Loaded();
        await PassAsync(next);
        Assert.Null(await next);
    }

    [Fact]
    public async Task An_agent_that_comes_again_while_everything_is_read_is_taken()
    {
        var first = Refusal(Several);
        await PassAsync(first);
        Assert.NotNull(await first);
        var second = Refusal(Several);
        await PassAsync(second);
        Assert.Null(await second);
    }

    [Fact]
    public async Task An_agent_that_came_over_is_taken_as_soon_as_its_former_stream_has_ended()
    {
        _store.Refusal = Duplicate with { MayHaveMoved = true };
        var refusal = Refusal(Single);
        await PassAsync(_store.UntilAskedAsync(times: 3));
        Assert.False(refusal.IsCompleted);
        _store.Refusal = null;
        await PassAsync(refusal);
        Assert.Null(await refusal);
        Assert.Empty(_store.Intruders);
    }

    [Fact]
    public async Task An_agent_whose_twin_stays_connected_is_refused_after_a_moment_and_the_virtual_router_says_so()
    {
        _store.Refusal = Duplicate with { MayHaveMoved = true };
        var refusal = Refusal(Single);
        await PassAsync(refusal);
        Assert.Equal(Duplicate.Message, (await refusal)?.Message);
        Assert.Equal(["node1"], _store.Intruders);
    }

    [Fact]
    public async Task Another_agent_of_the_name_is_refused_at_once()
    {
        _store.Refusal = Duplicate;
        Assert.Equal(Duplicate.Message, (await Refusal(Single))?.Message);
        Assert.Equal(["node1"], _store.Intruders);
    }

    [Theory]
    [InlineData("aa", "10.0.0.1", 5, false, false)] // the same agent, at another server
    [InlineData("aa", "10.0.0.2", 5, true, true)] // from another address: it, or a copy of its state directory
    [InlineData("aa", "10.0.0.2", 4, true, false)]
    [InlineData("bb", "10.0.0.2", 5, true, false)]
    [InlineData(null, "10.0.0.2", 5, true, false)]
    public void Only_an_agent_of_the_same_instance_with_a_newer_connection_may_have_moved(string? instance, string source, long connection, bool isRefused, bool mayHaveMoved)
    {
        var known = new KnownAgent(Guid.Empty, Single.Address, null, "cn-b", instance is null ? null : "aa", IPAddress.Parse("10.0.0.1"), 4, Alive: true);
        var refusal = AgentConnection.Judge(Single with { Instance = instance, Source = IPAddress.Parse(source), Connection = connection }, known, "cn-a");
        Assert.Equal((isRefused, mayHaveMoved), (refusal is not null, refusal?.MayHaveMoved == true));
    }

    [Fact]
    public async Task An_agent_without_other_servers_is_taken_and_waits_connected()
    {
        var refusal = Refusal(Single);
        await PassAsync(refusal);
        Assert.Null(await refusal);
    }

    private Task<AdmissionRefusal?> Refusal(VRouterHello hello) => _parts.Get<IVRouterAdmission>().RefusalAsync(hello, null, TestContext.Current.CancellationToken);

    private Task PassAsync(Task until) => Eventually.TrueAsync(() =>
    {
        _parts.Time.Advance(TimeSpan.FromMilliseconds(50));
        return until.IsCompleted;
    });

    /// <summary>A store that answers the same each time, and knows whom it was told to be refused.</summary>
    private sealed class Store : IAgentReportStore
    {
        private int _asked;

        public AgentRefusal? Refusal { get; set; }

        public List<string> Intruders { get; } = [];

        public Task UntilAskedAsync(int times) => Eventually.TrueAsync(() => Volatile.Read(ref _asked) >= times);

        public Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode, int maximum, CancellationToken ct)
        {
            Interlocked.Increment(ref _asked);
            return Task.FromResult(Refusal);
        }

        public Task SaveIntruderAsync(VRouterHello hello, AgentRefusal refusal, DateTimeOffset now, CancellationToken ct)
        {
            Intruders.Add(hello.Name);
            return Task.CompletedTask;
        }

        public Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyCollection<VRouterHello>> ConnectKnownAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, DateTimeOffset now, CancellationToken ct) =>
            throw new NotSupportedException();

        public Task<IReadOnlyCollection<VRouterHello>> ConnectNewAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct) =>
            throw new NotSupportedException();

        public Task ForgetIntrudersAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task DisconnectAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, CancellationToken ct) => throw new NotSupportedException();

        public Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct) => throw new NotSupportedException();

        public Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct) =>
            throw new NotSupportedException();

        public Task EnterAsync(string controlNode, CancellationToken ct) => throw new NotSupportedException();

        public Task ShareAsync(AgentsApplied applied, CancellationToken ct) => throw new NotSupportedException();

        public Task<int> MarkLostAsync(LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers, CancellationToken ct) => throw new NotSupportedException();
    }
}
