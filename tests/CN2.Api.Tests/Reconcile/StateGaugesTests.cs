using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Observability;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Drivers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What /metrics and the log say about what is down.</summary>
public sealed class StateGaugesTests : IAsyncLifetime
{
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton<PrometheusText>());
    private PrometheusText _metrics = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FakeBgpSpeaker Speaker => _parts.Speaker;

    public ValueTask InitializeAsync()
    {
        _metrics = _parts.Get<PrometheusText>();
        _parts.Get<StateGauges>();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task A_session_has_a_series_for_its_router_while_the_router_exists()
    {
        await Speaker.StartAsync(Token);
        await Speaker.SetPeersAsync([Peer("vmx1", 245), Peer("a\"b\\", 246)], Token);
        Speaker.Establish("vmx1");
        Assert.Equal(["""cn2_bgp_session_up{router="a\"b\\"} 0""", """cn2_bgp_session_up{router="vmx1"} 1"""], Series("cn2_bgp_session_up"));
        Assert.Equal(["""cn2_bgp_withheld_prefixes{router="a\"b\\"} 0""", """cn2_bgp_withheld_prefixes{router="vmx1"} 0"""], Series("cn2_bgp_withheld_prefixes"));
        await Speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        Speaker.Establish("vmx1", "Active");
        Assert.Equal(["""cn2_bgp_session_up{router="vmx1"} 0"""], Series("cn2_bgp_session_up"));
    }

    [Fact]
    public async Task The_engine_is_down_until_it_answers_and_when_it_is_killed()
    {
        Assert.Equal(["cn2_bgp_engine_up 0"], Series("cn2_bgp_engine_up"));
        await Speaker.StartAsync(Token);
        Assert.Equal(["cn2_bgp_engine_up 1"], Series("cn2_bgp_engine_up"));
        Speaker.KillEngine();
        Assert.Equal(["cn2_bgp_engine_up 0"], Series("cn2_bgp_engine_up"));
    }

    [Fact]
    public async Task Without_an_engine_there_is_no_series_for_it()
    {
        await using var parts = new LoopParts(replace: services =>
            services.AddSingleton<PrometheusText>().AddSingleton<IBgpSpeaker>(new FakeBgpSpeaker { Enabled = false }));
        var metrics = parts.Get<PrometheusText>();
        parts.Get<StateGauges>();
        Assert.DoesNotContain(metrics.Render().Split('\n'), l => l.StartsWith("cn2_bgp_engine_up", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_vRouter_is_counted_in_one_state()
    {
        var resources = _parts.Get<ResourceChanges>();
        var away = Sample.Router("compute2") with { Connected = false, ControlNode = null };
        var maintained = Sample.Router("compute5", lost: true);
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-b" });
        resources.Put(away);
        resources.Put(Sample.Router("compute3", lost: true));
        resources.Put(Sample.Router("compute4") with { Connected = false, Held = true });
        resources.Put(maintained with { Router = maintained.Router with { AdminDown = true } });
        Assert.Empty(Series("cn2_vrouters"));
        Count();
        string[] expected =
        [
            """cn2_vrouters{state="admin_down"} 1""", """cn2_vrouters{state="connected"} 1""", """cn2_vrouters{state="disconnected"} 1""",
            """cn2_vrouters{state="held"} 1""", """cn2_vrouters{state="lost"} 1""",
        ];
        Assert.Equal(expected, Series("cn2_vrouters"));
        Assert.Equal(["cn2_nodes_not_forwarding 0"], Series("cn2_nodes_not_forwarding"));
        Assert.Equal(["cn2_connected_agents 0"], Series("cn2_connected_agents"));

        resources.Put(away with { Router = away.Router with { Lost = true } });
        _parts.Get<VirtualRouterCensus>().Take(_parts.Now);
        Assert.Equal(expected, Series("cn2_vrouters")); // counted once a second
        Count();
        Assert.Contains("""cn2_vrouters{state="lost"} 2""", Series("cn2_vrouters"));
        Assert.Equal(
            [
                "1 vRouters are lost, and their routes are withdrawn until their agents are back: compute3",
                "1 vRouters are away with many others (MassLoss), and their routes stay: compute4",
                "1 vRouters are lost, and their routes are withdrawn until their agents are back: compute2",
            ],
            Log(LogLevel.Warning));
    }

    [Fact]
    public void The_database_is_down_from_a_failed_reading_until_the_next_one_that_succeeds()
    {
        var failures = _parts.Get<FailureLog>();
        Assert.Equal(["cn2_database_up 1"], Series("cn2_database_up"));
        failures.Report(new TimeoutException("no answer"));
        _parts.Time.Advance(TimeSpan.FromSeconds(12));
        failures.Report(new TimeoutException("no answer"));
        Assert.Equal(["cn2_database_up 0"], Series("cn2_database_up"));
        failures.Succeeded();
        failures.Succeeded();
        Assert.Equal(["cn2_database_up 1"], Series("cn2_database_up"));
        Assert.Equal(["The database is away; agents and speaker are served from what is known: no answer"], Log(LogLevel.Warning));
        Assert.Equal(["The database answers again after 12 s."], Log(LogLevel.Information));
    }

    [Fact]
    public async Task A_session_that_goes_down_or_comes_up_is_logged_once()
    {
        var log = _parts.Get<SessionLog>();
        await Speaker.StartAsync(Token);
        await Speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        Twice(log);
        Assert.Empty(_parts.Log.Lines); // the first attempt runs
        Speaker.Establish("vmx1");
        Twice(log);
        Assert.Equal(["The BGP session with vmx1 is established"], Log(LogLevel.Information));
        await Speaker.SetPeersAsync([Peer("vmx1", 245) with { AdminDown = true }], Token);
        Twice(log);
        Assert.Equal(["The BGP session with vmx1 is down: adminDown is set."], Log(LogLevel.Warning));
        Speaker.Establish("vmx1");
        Twice(log);
        Speaker.Establish("vmx1", "Active");
        Twice(log);
        Assert.Equal("The BGP session with vmx1 is down: no reason is known.", Log(LogLevel.Warning)[^1]);
        await Speaker.SetPeersAsync([], Token);
        Twice(log);
        Assert.Equal((2, 2), (Log(LogLevel.Information).Length, Log(LogLevel.Warning).Length));
    }

    private static void Twice(SessionLog log)
    {
        log.Follow();
        log.Follow();
    }

    private void Count()
    {
        _parts.Time.Advance(TimeSpan.FromSeconds(1));
        _parts.Get<VirtualRouterCensus>().Take(_parts.Now);
    }

    private string[] Log(LogLevel level) => [.. _parts.Log.Lines.Where(l => l.Level == level).Select(l => l.Text)];

    private string[] Series(string name) =>
        [.. _metrics.Render().Split('\n').Where(l => l.StartsWith(name + " ", StringComparison.Ordinal) || l.StartsWith(name + "{", StringComparison.Ordinal))];

    private static BgpPeer Peer(string name, byte last) => new(name, new IPAddress([172, 27, 115, last]), 64512, 179, ["inet"], 90, null, null, false, true, false, true, 120);
}
