using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Certificates;
using CN2.VRouter.Probes;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests;

/// <summary>A server that accepts connections and never sends a byte.</summary>
public sealed class SilentServerTests : IDisposable
{
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _taken = [];

    public SilentServerTests() => _silent.Start();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_silent.LocalEndpoint).Port}");

    public void Dispose()
    {
        _silent.Dispose();
        _taken.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_silent_server_is_tried_every_two_seconds()
    {
        await WithAgentAsync(
            async () =>
            {
                _taken.Add(await _silent.AcceptSocketAsync(Cancellation));
                var since = Stopwatch.StartNew();
                for (var i = 0; i < 3; i++) _taken.Add(await _silent.AcceptSocketAsync(Cancellation));
                Assert.InRange(since.Elapsed.TotalSeconds, 3, 7); // three times two seconds, with room for a busy machine
            },
            Url);
    }

    [Fact]
    public async Task The_next_server_is_used_instead()
    {
        await using var server = await StubServer.StartAsync();
        await WithAgentAsync(() => server.NextAsync(TimeSpan.FromSeconds(4)), Url, new Uri(server.Url));
    }

    [Fact]
    public async Task A_server_that_is_heard_and_has_much_to_do_is_not_given_up()
    {
        await using var server = await StubServer.StartAsync();
        server.AnswersAfter = 2 * AnswerWait.Silence;
        await WithAgentAsync(() => server.NextAsync(), new Uri(server.Url));
        Assert.Equal(1, server.Hellos);
    }

    [Fact]
    public async Task A_server_that_needs_longer_than_any_silence_may_last_is_waited_for_in_the_second_round()
    {
        await using var server = await StubServer.StartAsync();
        server.AnswersAfter = 1.5 * HeartbeatProtocol.Patience;
        await WithAgentAsync(() => server.NextAsync(Patience.Seconds(30)), new Uri(server.Url));
        Assert.Equal(2, server.Hellos);
    }

    [Fact]
    public async Task Of_several_servers_one_that_is_heard_and_does_not_answer_is_left_for_the_next()
    {
        await using var one = await StubServer.StartAsync();
        await using var another = await StubServer.StartAsync();
        var (busy, server) = ServerOrder.Of("compute1", [new Uri(one.Url), new Uri(another.Url)])[0] == new Uri(one.Url) ? (one, another) : (another, one);
        busy.AnswersAfter = TimeSpan.FromMinutes(1);
        var since = Stopwatch.StartNew();
        await WithAgentAsync(() => server.NextAsync(), new Uri(busy.Url), new Uri(server.Url));
        Assert.InRange(since.Elapsed, TimeSpan.Zero, HeartbeatProtocol.Patience);
        Assert.Equal(1, busy.Hellos);
    }

    [Fact]
    public async Task On_a_node_that_stood_still_the_stream_ends_as_after_any_silence()
    {
        await using var server = await StubServer.StartAsync();
        server.FallSilent();
        var stream = new ServerStream(new Uri(server.Url), new Hello { Name = "compute1" }, new ServerTrust(null), own: null, HeartbeatProtocol.Patience, new StoodStill());
        var running = stream.RunAsync(() => { }, _ => { }, () => new Heartbeat(), Cancellation);
        var ended = await Assert.ThrowsAsync<RpcException>(() => running.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        Assert.Equal("nothing was heard for too long", ended.Status.Detail);
    }

    /// <summary>Each reading of the clock finds that a minute has passed, and of all timers those that repeat are served first.</summary>
    private sealed class StoodStill : TimeProvider
    {
        private long _readings;

        public override long GetTimestamp() => Interlocked.Increment(ref _readings) * 60 * TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period > TimeSpan.Zero ? base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50)) : base.CreateTimer(callback, state, TimeSpan.FromMinutes(1), period);
    }

    private static async Task WithAgentAsync(Func<Task> test, params Uri[] servers)
    {
        using var stop = new CancellationTokenSource();
        await using var dataplane = new MemoryDataplane();
        using var prober = new NetworkProber();
        var options = new AgentCommand.Run(servers, "compute1", IPAddress.Parse("172.27.115.242"), null, null, "cn2");
        await using var agent = new VRouterAgent(options, dataplane, prober, new HealthStore(null, TimeProvider.System), TimeProvider.System, NullLogger<VRouterAgent>.Instance);
        var running = agent.RunAsync(stop.Token);
        try
        {
            await test();
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
    }
}
