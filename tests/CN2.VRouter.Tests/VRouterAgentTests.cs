using System.Diagnostics;
using System.Net;
using CN2.VRouter.Probes;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests;

/// <summary>The agent with a server in the hand of the test, and a data plane in memory.</summary>
public sealed class VRouterAgentTests : IAsyncLifetime
{
    private readonly MemoryDataplane _dataplane = new();
    private readonly CancellationTokenSource _stop = new();
    private StubServer _server = null!;
    private StubServer _second = null!;
    private VRouterAgent _agent = null!;
    private Task _running = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        StubServer[] servers = [await StubServer.StartAsync(), await StubServer.StartAsync()];
        Uri[] urls = [.. servers.Select(s => new Uri(s.Url))];
        if (ServerOrder.Of("compute1", urls)[0] != urls[0]) Array.Reverse(servers);
        (_server, _second) = (servers[0], servers[1]);
        var options = new AgentCommand.Run(urls, "compute1", IPAddress.Parse("172.27.115.242"), IPAddress.Parse("fd00::242"), null, "cn2");
        _agent = new VRouterAgent(options, _dataplane, new OnLoopback(), new HealthStore(null, TimeProvider.System), TimeProvider.System, NullLogger<VRouterAgent>.Instance);
        _running = _agent.RunAsync(_stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        await _second.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task The_hello_carries_name_addresses_and_version()
    {
        var hello = (await _server.NextAsync()).Hello;
        Assert.Equal(("compute1", Wire.Address("172.27.115.242"), Wire.Address("fd00::242"), "0.1.0"), (hello.Name, hello.Address, hello.Address6, hello.AgentVersion));
    }

    [Fact]
    public async Task A_snapshot_is_applied_when_its_last_chunk_has_arrived()
    {
        var connection = await _server.NextAsync();
        connection.Send(new ServerMessage { Snapshot = new Snapshot { Revision = 7, Items = Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80")) } });
        connection.Send(new ServerMessage { Snapshot = new Snapshot { Revision = 7, Last = true, Items = Wire.Items(Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80")) } });
        Assert.Equal(new Applied { Revision = 7 }, await connection.AppliedAsync());
        Assert.Equal(2, _dataplane.NatEntries.Count);
        Assert.Equal(1, _dataplane.Calls);
    }

    [Fact]
    public async Task Deltas_that_arrive_during_a_transaction_share_the_next_one()
    {
        var connection = await _server.NextAsync();
        connection.Send(1, Wire.Items());
        await connection.AppliedAsync();
        await _dataplane.Turn.WaitAsync(TestContext.Current.CancellationToken);
        connection.Send(Wire.Delta(2, Wire.NatEntry("100.0.0.2", 80, "10.0.0.1:80")));
        for (ulong r = 3; r <= 40; r++) connection.Send(Wire.Delta(r, Wire.NatEntry($"100.0.0.{r}", 80, "10.0.0.1:80")));
        connection.Send(new ServerMessage { Delta = new Delta { Revision = 41, RemovedNatEntries = { Wire.Key("100.0.0.40", 6, 80) } } });
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        _dataplane.Turn.Release();
        Applied applied;
        do applied = await connection.AppliedAsync();
        while (applied.Revision < 41);
        Assert.Equal(38, _dataplane.NatEntries.Count);
        Assert.InRange(_dataplane.Calls, 2, 3);
    }

    [Fact]
    public async Task A_refusal_of_the_kernel_is_reported_and_retried()
    {
        var connection = await _server.NextAsync();
        _dataplane.Refusal = "nft refused: no memory";
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80")));
        Assert.Equal(new Applied { Revision = 5, Error = "nft refused: no memory" }, await connection.AppliedAsync());
        _dataplane.Refusal = null;
        Applied applied;
        do applied = await connection.AppliedAsync();
        while (applied.Error.Length > 0);
        Assert.Equal(5u, applied.Revision);
        Assert.Single(_dataplane.NatEntries);
    }

    [Fact]
    public async Task One_bad_entry_does_not_stop_the_others()
    {
        var connection = await _server.NextAsync();
        var bad = Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80");
        bad.SourceRanges.Add("10.0.0.0/40");
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80"), bad));
        Assert.Equal(new Applied { Revision = 5, Error = "a source range: The prefix length in '10.0.0.0/40' is not a number from 0 to 32 without leading zeros." }, await connection.AppliedAsync());
        Assert.Single(_dataplane.NatEntries);
    }

    [Fact]
    public async Task To_a_server_that_knows_refusals_a_revision_counts_and_names_what_is_left_out()
    {
        var connection = await _server.NextAsync();
        connection.Send(new ServerMessage { Welcome = new Welcome { TakesRefusals = true } });
        var bad = Wire.NatEntry("100.0.0.5", 80, "127.0.0.1:80");
        _dataplane.RefusedKeys.Add(WireMapping.Key(Wire.Key("100.0.0.6", 6, 80)));
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80"), bad, Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80")));
        var applied = await connection.AppliedAsync();
        Assert.Equal((5UL, ""), (applied.Revision, applied.Error));
        Assert.Equal(
            ["100.0.0.5: an address of a FloatingIP or an endpoint: '127.0.0.1'", "100.0.0.6: 100.0.0.6 TCP/80"],
            applied.Refused.Select(r => $"{new IPAddress(r.Item.NatEntry.Address.Span)}: {r.Reason.Split(" is ")[0]}").Order());
        Assert.Single(_dataplane.NatEntries);

        // A later revision makes one acceptable and removes the other.
        connection.Send(Wire.Delta(6, Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80")));
        Assert.Equal("100.0.0.6", new IPAddress(Assert.Single((await connection.AppliedAsync()).Refused).Item.NatEntry.Address.Span).ToString());
        connection.Send(new ServerMessage { Delta = new Delta { Revision = 7, RemovedNatEntries = { Wire.Key("100.0.0.6", 6, 80) } } });
        Assert.Equal(new Applied { Revision = 7 }, await UntilAsync(connection, a => a.Revision == 7));
    }

    [Fact]
    public async Task It_sends_pulses_when_the_server_asks_for_them()
    {
        var connection = await _server.NextAsync();
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        Assert.False(connection.Incoming.Reader.TryRead(out var early) && early.BodyCase == AgentMessage.BodyOneofCase.Pulse);
        connection.Send(new ServerMessage { Welcome = new Welcome { TakesRefusals = true, PulseMilliseconds = 50 } });
        for (var i = 0; i < 50; i++) await connection.NextAsync(AgentMessage.BodyOneofCase.Pulse);
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat); // as before
    }

    [Fact]
    public async Task It_tells_whether_another_node_answers()
    {
        var connection = await _server.NextAsync();
        var address = Google.Protobuf.ByteString.CopyFrom(IPAddress.Loopback.GetAddressBytes());
        connection.Send(new ServerMessage { WitnessQuestion = new WitnessQuestion { Number = 7, Address = address, WithinMilliseconds = 5000 } });
        Assert.Equal(new WitnessAnswer { Number = 7, Reached = true }, (await connection.NextAsync(AgentMessage.BodyOneofCase.WitnessAnswer)).WitnessAnswer);
        // What is no address is left without an answer, and the next question gets one.
        connection.Send(new ServerMessage { WitnessQuestion = new WitnessQuestion { Number = 8, WithinMilliseconds = 100 } });
        connection.Send(new ServerMessage { WitnessQuestion = new WitnessQuestion { Number = 9, Address = address, WithinMilliseconds = 5000 } });
        Assert.Equal(9u, (await connection.NextAsync(AgentMessage.BodyOneofCase.WitnessAnswer)).WitnessAnswer.Number);
    }

    [Fact]
    public async Task What_the_kernel_refuses_is_tried_again_by_itself()
    {
        var connection = await _server.NextAsync();
        connection.Send(new ServerMessage { Welcome = new Welcome { TakesRefusals = true } });
        var key = WireMapping.Key(Wire.Key("100.0.0.6", 6, 80));
        _dataplane.RefusedKeys.Add(key);
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80")));
        Assert.Single((await connection.AppliedAsync()).Refused);
        _dataplane.RefusedKeys.Clear();
        Assert.Equal(new Applied { Revision = 5 }, await UntilAsync(connection, a => a.Refused.Count == 0));
        Assert.Single(_dataplane.NatEntries);
    }

    [Fact]
    public async Task A_server_that_does_not_know_refusals_is_told_that_nothing_of_the_revision_counts()
    {
        var connection = await _server.NextAsync();
        _dataplane.RefusedKeys.Add(WireMapping.Key(Wire.Key("100.0.0.6", 6, 80)));
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80"), Wire.NatEntry("100.0.0.7", 80, "10.0.0.1:80")));
        Assert.Equal(new Applied { Revision = 5, Error = "100.0.0.6 TCP/80 is refused" }, await connection.AppliedAsync());
        Assert.Single(_dataplane.NatEntries);
    }

    [Fact]
    public async Task A_change_in_parts_is_one_transaction_and_half_of_one_is_none()
    {
        var connection = await _server.NextAsync();
        Assert.True(connection.Hello.TakesParts);
        connection.Send(1, Wire.Items());
        await connection.AppliedAsync();
        var part = Wire.Delta(2, Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80"));
        part.Delta.More = true;
        connection.Send(part);
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        Assert.Equal(1, _dataplane.Calls);
        connection.Send(Wire.Delta(2, Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80")));
        Assert.Equal(new Applied { Revision = 2 }, await connection.AppliedAsync());
        Assert.Equal((2, 2), (_dataplane.NatEntries.Count, _dataplane.Calls));
        connection.Send(part);
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        await _server.DisposeAsync();
        var next = await _second.NextAsync();
        next.Send(3, Wire.Items());
        await next.AppliedAsync();
        next.Send(Wire.Delta(4, Wire.NatEntry("100.0.0.9", 80, "10.0.0.1:80")));
        await next.AppliedAsync();
        Assert.Equal("100.0.0.9", Assert.Single(_dataplane.NatEntries.Keys).Address?.ToString());
    }

    [Fact]
    public async Task Connections_are_numbered_and_the_agent_is_the_same_in_each()
    {
        var first = (await _server.NextAsync()).Hello;
        await _server.DisposeAsync();
        var second = (await _second.NextAsync()).Hello;
        Assert.Equal(16, first.Instance.Length);
        Assert.Equal(first.Instance, second.Instance);
        Assert.True(second.Connection > first.Connection);
    }

    private static async Task<Applied> UntilAsync(StubServer.Connection connection, Func<Applied, bool> condition)
    {
        Applied applied;
        do applied = await connection.AppliedAsync();
        while (!condition(applied));
        return applied;
    }

    [Fact]
    public async Task Drift_is_repaired_and_counted()
    {
        var connection = await _server.NextAsync();
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80")));
        await connection.AppliedAsync();
        _dataplane.ChangeByHand();
        AgentMessage beat;
        do beat = await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        while (beat.Heartbeat.Repairs == 0);
        Assert.Equal(1u, beat.Heartbeat.Repairs);
        Assert.Single(_dataplane.NatEntries);
    }

    [Fact]
    public async Task When_a_server_ends_the_next_one_is_used_at_once_and_the_entries_stay()
    {
        var connection = await _server.NextAsync();
        connection.Send(5, Wire.Items(Wire.NatEntry("100.0.0.4", 80, "10.0.0.1:80")));
        await connection.AppliedAsync();
        // An incomplete snapshot is dropped with its stream.
        connection.Send(new ServerMessage { Snapshot = new Snapshot { Revision = 6, Items = Wire.Items(Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80")) } });
        await _server.DisposeAsync();
        var next = await _second.NextAsync(TimeSpan.FromSeconds(2));
        Assert.Single(_dataplane.NatEntries);
        next.Send(7, Wire.Items(Wire.NatEntry("100.0.0.7", 80, "10.0.0.1:80")));
        Assert.Equal(7u, (await next.AppliedAsync()).Revision);
        Assert.Equal("100.0.0.7", Assert.Single(_dataplane.NatEntries.Keys).Address?.ToString());
    }

    [Fact]
    public async Task An_agent_that_a_server_sends_on_is_at_another_one_at_once_and_says_that_it_stays_there()
    {
        var first = await _server.NextAsync();
        Assert.Equal(new OtherServers(), first.Hello.OtherServers);
        first.End(new Status(StatusCode.ResourceExhausted, "control node cn-a has 612 agents, and its share is 400: another one takes this agent"));
        var others = (await _second.NextAsync(TimeSpan.FromSeconds(2))).Hello.OtherServers;
        Assert.True(others.Preferred);
        Assert.InRange(others.StaysSeconds, 590u, 600u);
    }

    /// <summary>A refusal is no connection that has ended: the agent pauses, and is not sent on by it.</summary>
    [Fact]
    public async Task An_agent_that_all_refuse_asks_about_once_a_second_and_was_not_sent_on()
    {
        var first = await _server.NextAsync();
        foreach (var server in new[] { _server, _second }) server.Refuse("it connects too often", StatusCode.ResourceExhausted);
        first.End(new Status(StatusCode.Unavailable, "the server is stopping"));
        await Eventually.TrueAsync(() => _server.Refused + _second.Refused >= 3, "it is refused a few times");
        var (refused, clock) = (_server.Refused + _second.Refused, Stopwatch.StartNew());
        await Task.Delay(2000, TestContext.Current.CancellationToken);
        // One attempt a second at each server: the load of a busy machine makes them fewer.
        Assert.InRange(_server.Refused + _second.Refused - refused, 0.0, (2 * clock.Elapsed.TotalSeconds) + 2);
        _second.Refuse(null);
        Assert.Equal(0u, (await _second.NextAsync()).Hello.OtherServers.StaysSeconds);
    }

    [Fact]
    public async Task A_server_that_falls_silent_is_replaced_by_the_next_one()
    {
        var connection = await _server.NextAsync();
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        _server.FallSilent();
        await _second.NextAsync(TimeSpan.FromSeconds(10)); // before the vRouter counts as lost
    }

    [Fact]
    public async Task A_server_that_comes_back_is_found_within_two_seconds()
    {
        await _server.NextAsync();
        var port = _server.Port;
        await _server.DisposeAsync();
        await (await _second.NextAsync()).NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        await _second.DisposeAsync();
        await using var back = await StubServer.StartAsync(port: port);
        await back.NextAsync(TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task An_agent_that_is_refused_keeps_asking()
    {
        var connection = await _server.NextAsync();
        _server.Refuse("name: taken");
        _second.Refuse("name: taken");
        connection.Outgoing.Writer.Complete(new IOException("the test ends the stream"));
        await _server.DisposeAsync();
        _second.Refuse(null);
        await _second.NextAsync();
    }

    [Fact]
    public async Task Health_is_reported_when_it_changes_and_completely_after_each_connect()
    {
        await using var web = await StubServer.StartAsync();
        var uid = Guid.NewGuid();
        var probe = new Probe
        {
            Uid = WireMapping.Uid(uid),
            Address = Wire.Address("10.0.0.1"),
            MonitorType = MonitorType.Tcp,
            Port = (uint)web.Port,
            DelaySeconds = 1,
            TimeoutSeconds = 1,
            MaxRetries = 1,
        };
        var connection = await _server.NextAsync();
        var items = Wire.Items();
        items.Probes.Add(probe);
        connection.Send(1, items);
        var report = (await connection.NextAsync(AgentMessage.BodyOneofCase.Health)).Health;
        Assert.Equal((probe.Uid, Health.Healthy), (report.Endpoints[0].Uid, report.Endpoints[0].Health));
        await web.DisposeAsync();
        report = (await connection.NextAsync(AgentMessage.BodyOneofCase.Health)).Health;
        Assert.Equal((Health.Unhealthy, "Connection refused"), (report.Endpoints[0].Health, report.Endpoints[0].Message));
        await _server.DisposeAsync();
        report = (await (await _second.NextAsync()).NextAsync(AgentMessage.BodyOneofCase.Health)).Health;
        Assert.Equal((probe.Uid, Health.Unhealthy), (report.Endpoints[0].Uid, report.Endpoints[0].Health));
    }

    /// <summary>The agent takes no probe of a loopback address; the test's endpoints listen there all the same.</summary>
    private sealed class OnLoopback : IProber, IDisposable
    {
        private readonly NetworkProber _prober = new();

        public Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation) => _prober.ProbeAsync(target with { Address = IPAddress.Loopback }, cancellation);

        public void Dispose() => _prober.Dispose();
    }
}
