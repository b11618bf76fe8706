using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Whether an agent may connect, before it gets anything. Who may have a name or an address: <see cref="AgentIdentityTests"/>.</summary>
public sealed class AgentAdmissionTests : IAsyncDisposable
{
    private static readonly VRouterHello Single = new("node1", IPAddress.Parse("172.28.0.1"), null, "1.0");
    private static readonly VRouterHello Several = Single with { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.Zero) };

    private readonly LoopParts _parts = new();

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task An_agent_with_other_servers_waits_a_moment_until_everything_is_read_and_then_goes_to_another_one()
    {
        var refusal = Refusal(Several);
        await PassAsync(refusal);
        Assert.True((await refusal)?.IsElsewhere);
        Assert.Contains("has not read everything", (await refusal)?.Answer, StringComparison.Ordinal);

        var next = Refusal(Several);
        _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(next.IsCompleted);
        _parts.Get<AgentRelocation>().Loaded();
        await PassAsync(next);
        Assert.Null(await next);
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
}
