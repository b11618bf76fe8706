using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.Network.Status;
using CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using EndpointHealth = CN2.Network.Resources.EndpointHealth;
using MonitorType = CN2.Network.Resources.MonitorType;
using NatEntryKey = CN2.Network.Compilation.NatEntryKey;

namespace CN2.Api.Tests.Drivers.VRouterStream;

/// <summary>The server's end of the stream over a real connection, with the agent played by the test.</summary>
public sealed class VRouterStreamTests : IAsyncLifetime
{
    private static readonly Method<AgentMessage, ServerMessage> Connect = new(
        MethodType.DuplexStreaming,
        "cn2.vrouter.v1.VirtualRouterControl",
        "Connect",
        Marshallers.Create(m => m.ToByteArray(), AgentMessage.Parser.ParseFrom),
        Marshallers.Create(m => m.ToByteArray(), ServerMessage.Parser.ParseFrom));

    private readonly RecordingListener _listener = new();
    private readonly Admission _admission = new();
    private WebApplication _app = null!;
    private GrpcChannel _channel = null!;
    private IVRouterPublisher _publisher = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http2);
            k.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddVRouterStream();
        builder.Services.AddSingleton<IVRouterAdmission>(_admission);
        _app = builder.Build();
        _app.MapVRouterStream();
        _app.MapGet("/v1/services", () => Results.Ok());
        await _app.StartAsync(Cancellation);
        _channel = GrpcChannel.ForAddress(_app.Urls.First());
        _publisher = _app.Services.GetRequiredService<IVRouterPublisher>();
        _publisher.Listen(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_that_connects_is_reported_and_gets_nothing_until_its_whole_configuration_is_published()
    {
        using var call = await HelloAsync("compute1");
        Assert.Equal("connected compute1 172.27.115.242 fd00::242 0.1.0", await _listener.NextAsync());
        _publisher.Publish("compute1", 3, Delta());
        _publisher.Publish("compute1", 4, new VRouterConfig([NatEntry("100.0.0.4")], [IPAddress.Parse("100.0.0.4")], [], [], []));
        _publisher.Publish("compute1", 5, Delta());
        var first = await NextAsync(call);
        Assert.Equal((4u, true, 1), (first.Snapshot.Revision, first.Snapshot.Last, first.Snapshot.Items.NatEntries.Count));
        Assert.Equal(5u, (await NextAsync(call)).Delta.Revision);
        Assert.Equal(new VRouterPublisherCounters(1, 1, 2), _publisher.Counters);
    }

    [Fact]
    public async Task A_change_that_waits_for_its_turn_arrives_before_what_is_published_after_it()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        _publisher.Publish("compute1", 1, new VRouterConfig([], [], [], [], []));
        for (ulong revision = 2; revision < 200; revision += 3)
        {
            _publisher.PublishInTurn("compute1", revision, Delta());
            _publisher.PublishInTurn("compute1", revision + 1, Delta());
            _publisher.Publish("compute1", revision + 2, Delta());
        }

        _publisher.PublishInTurn("compute1", 200, Delta());
        Assert.Equal(1u, (await NextAsync(call)).Snapshot.Revision);
        for (ulong revision = 2; revision <= 200; revision++) Assert.Equal(revision, (await NextAsync(call)).Delta.Revision);
    }

    [Fact]
    public async Task What_many_agents_get_comes_in_parts_before_what_each_gets_alone()
    {
        using var call = await HelloAsync("compute1", takesParts: true);
        using var older = await HelloAsync("compute2");
        await _listener.NextAsync();
        await _listener.NextAsync();
        foreach (var name in (string[])["compute1", "compute2"]) _publisher.Publish(name, 1, new VRouterConfig([], [], [], [], []));
        var common = new NatEntryChanges([NatEntry("100.0.0.5"), NatEntry("100.0.0.6")], [NatEntry("100.0.0.4").Key]);
        var delta = new VRouterDelta([NatEntry("100.0.0.7")], [], [], [NatEntry("100.0.0.6").Key], [], []) { CommonNatEntries = common };
        Assert.True(_publisher.Publish("compute1", 2, delta));
        Assert.False(_publisher.Publish("compute2", 2, delta)); // it is to get the whole

        Assert.Equal(1u, (await NextAsync(call)).Snapshot.Revision);
        var first = (await NextAsync(call)).Delta;
        Assert.Equal((2u, true, 2, 1), (first.Revision, first.More, first.Put.NatEntries.Count, first.RemovedNatEntries.Count));
        var second = (await NextAsync(call)).Delta;
        Assert.Equal((2u, false, 1, 1), (second.Revision, second.More, second.Put.NatEntries.Count, second.RemovedNatEntries.Count));
        Assert.Equal(3, _publisher.Counters.NatEntriesSent);
    }

    [Fact]
    public async Task What_many_agents_get_is_encoded_once()
    {
        string[] names = ["compute1", "compute2", "compute3"];
        foreach (var name in names)
        {
            await HelloAsync(name, takesParts: true);
            await _listener.NextAsync();
            _publisher.Publish(name, 1, new VRouterConfig([], [], [], [], []));
        }

        var common = new NatEntryChanges([.. Enumerable.Range(0, 20_000).Select(i => NatEntry($"100.1.{i / 250}.{i % 250}"))], []);
        var allocated = names.Select(n => Allocated(() => _publisher.Publish(n, 2, new VRouterDelta([NatEntry("100.0.0.7")], [], [], [], [], []) { CommonNatEntries = common }))).ToList();
        Assert.InRange(allocated[1], 0, allocated[0] / 20);
        Assert.InRange(allocated[2], 0, allocated[0] / 20);

        static long Allocated(Action act)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            act();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public async Task Every_field_of_an_entry_arrives()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        var natEntry = new VirtualRouterNatEntry(
            new NatEntryKey(IPFamily.IPv6, IPAddress.Parse("2001:db8::4"), TransportProtocol.UDP, 53),
            [new VirtualRouterBackend(IPAddress.Parse("fd00::1"), 5353, true), new VirtualRouterBackend(IPAddress.Parse("fd00::2"), 5353, false, 100)],
            true,
            [IPNetwork.Parse("2001:db8:1::/48")])
        {
            Draining = [new VirtualRouterBackend(IPAddress.Parse("fd00::3"), 5353, true)],
        };
        var nodePort = NatEntry("100.0.0.4") with { Key = new NatEntryKey(IPFamily.IPv6, null, TransportProtocol.TCP, 30080) };
        var uid = Guid.CreateVersion7();
        var probe = new VRouterProbe(uid, IPAddress.Parse("10.0.0.1"), new ServiceHealthCheck(uid, new NamespacedName("ns1", "hc"), MonitorType.HTTP, 2, 5, 3, "GET", "/health", ExpectedCodes.Default, 80), EndpointHealth.Healthy);
        _publisher.Publish("compute1", 1, new VRouterConfig([natEntry, nodePort], [], [probe], [], []));
        var items = (await NextAsync(call)).Snapshot.Items;
        Assert.Equal(
            "{ \"key\": { \"address\": \"IAENuAAAAAAAAAAAAAAABA==\", \"ipv6\": true, \"protocol\": 17, \"port\": 53 }, \"backends\": [ { \"address\": \"/QAAAAAAAAAAAAAAAAAAAQ==\", \"port\": 5353, \"local\": true }, { \"address\": \"/QAAAAAAAAAAAAAAAAAAAg==\", \"port\": 5353, \"weight\": 100 } ], \"clientIpAffinity\": true, \"sourceRanges\": [ \"2001:db8:1::/48\" ], \"draining\": [ { \"address\": \"/QAAAAAAAAAAAAAAAAAAAw==\", \"port\": 5353, \"local\": true } ] }",
            items.NatEntries[0].ToString());
        Assert.Equal("{ \"ipv6\": true, \"protocol\": 6, \"port\": 30080 }", items.NatEntries[1].Key.ToString());
        var sent = items.Probes[0];
        Assert.Equal(uid, new Guid(sent.Uid.Span, bigEndian: true));
        Assert.Equal((2u, 5u, 3u, "GET", "/health", "200-299", 80u, Health.Healthy), (sent.DelaySeconds, sent.TimeoutSeconds, sent.MaxRetries, sent.HttpMethod, sent.UrlPath, sent.ExpectedCodes, sent.Port, sent.LastKnown));
    }

    [Fact]
    public async Task A_large_configuration_comes_in_chunks_under_a_megabyte()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        var natEntries = Enumerable.Range(0, 30_000).Select(i => NatEntry($"100.{i >> 16}.{(i >> 8) & 255}.{i & 255}")).ToList();
        _publisher.Publish("compute1", 8, new VRouterConfig(natEntries, [.. natEntries.Select(f => f.Key.Address!)], [], [], []));
        int chunks = 0, received = 0, addresses = 0;
        ServerMessage message;
        do
        {
            message = await NextAsync(call);
            Assert.InRange(message.CalculateSize(), 1, 1024 * 1024);
            Assert.Equal(8u, message.Snapshot.Revision);
            received += message.Snapshot.Items.NatEntries.Count;
            addresses += message.Snapshot.Items.FloatingIps.Count;
            chunks++;
        }
        while (!message.Snapshot.Last);
        Assert.Equal((30_000, 30_000), (received, addresses));
        Assert.True(chunks > 1);
    }

    [Fact]
    public async Task Reports_of_the_agent_reach_the_listeners()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        var uid = Guid.CreateVersion7();
        await call.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 7 } }, Cancellation);
        await call.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 8, Error = "nft refused" } }, Cancellation);
        await call.RequestStream.WriteAsync(new AgentMessage { Health = new HealthReport { Endpoints = { new VRouter.V1.EndpointHealth { Uid = ByteString.CopyFrom(uid.ToByteArray(true)), Health = Health.Unhealthy, Message = "HTTP 500" } } } }, Cancellation);
        for (var i = 0; i < 2; i++) await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat { Repairs = 2, Message = "ip_forward is 0" } }, Cancellation);
        await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat { Repairs = 2 } }, Cancellation);
        string[] expected =
        [
            "applied compute1 7", "applied compute1 8 nft refused", $"health compute1 {uid} Unhealthy HTTP 500",
            "seen compute1 2", "noticed compute1 ip_forward is 0", "seen compute1 2", "seen compute1 2", "noticed compute1",
        ];
        foreach (var line in expected) Assert.Equal(line, await _listener.NextAsync());
    }

    [Fact]
    public async Task What_the_agent_found_on_its_node_reaches_the_listeners_when_it_changes()
    {
        using var call = await HelloAsync("compute1");
        var report = new NodeReport
        {
            Faults =
            {
                new NodeFault { Reason = "ForwardingOff", Message = "net.ipv4.ip_forward is 0\u0007", Traffic = 1 },
                new NodeFault { Reason = "ForeignChainMayDrop", Message = new string('x', 5000), Suspicion = true },
                new NodeFault { Reason = "no reason", Message = "a sentence" },
                new NodeFault { Reason = "NoMessage" },
            },
        };
        NodeReport?[] beats = [null, null, new NodeReport(), report, report, null];
        foreach (var beat in beats) await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat { Node = beat } }, Cancellation);
        Assert.Null((await InspectedAsync()).Faults); // an agent that does not look
        Assert.Empty((await InspectedAsync()).Faults!);
        var (name, faults) = await InspectedAsync();
        Assert.Equal("compute1", name);
        Assert.Equal([new VRouterNodeFault("ForwardingOff", "net.ipv4.ip_forward is 0", false, TrafficKinds.IPv4), new VRouterNodeFault("ForeignChainMayDrop", new string('x', 1021) + "…", true)], faults);
        Assert.Null((await InspectedAsync()).Faults);

        async Task<(string Name, IReadOnlyList<VRouterNodeFault>? Faults)> InspectedAsync()
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            timeout.CancelAfter(TimeSpan.FromSeconds(15));
            return await _listener.Inspections.Reader.ReadAsync(timeout.Token);
        }
    }

    [Fact]
    public async Task The_overlay_engine_and_what_it_counted_reach_the_listeners()
    {
        using var call = await HelloAsync("compute1", "userspace");
        Assert.Equal("connected compute1 172.27.115.242 fd00::242 0.1.0 userspace", await _listener.NextAsync());
        await call.RequestStream.WriteAsync(new AgentMessage
        {
            Heartbeat = new Heartbeat
            {
                Overlay = new OverlayCounters
                {
                    UnknownLabel = 1,
                    UnknownSource = 2,
                    Malformed = 3,
                    TtlExpired = 4,
                    Oversize = 5,
                    SendErrors = ulong.MaxValue,
                    Instances =
                    {
                        new InstanceCounters { RoutingInstance = 0, PacketsIn = 9 },
                        new InstanceCounters { RoutingInstance = 5, PacketsIn = 1 },
                        new InstanceCounters { RoutingInstance = 5, PacketsIn = 10, BytesIn = 11, PacketsOut = 12, BytesOut = 13, NoRoute = 14 },
                        new InstanceCounters { RoutingInstance = 65536, PacketsIn = 9 },
                        new InstanceCounters { RoutingInstance = uint.MaxValue, PacketsIn = 9 },
                    },
                },
            },
        }, Cancellation);
        Assert.Equal("seen compute1 0", await _listener.NextAsync());
        Assert.Equal(
            $"counted compute1 {new VRouterInstanceCounters(5, 10, 11, 12, 13, 14)} | {new VRouterOverlayCounters([], 1, 2, 3, 4, 5, long.MaxValue)}", await _listener.NextAsync());
        await call.RequestStream.WriteAsync(
            new AgentMessage { Heartbeat = new Heartbeat { Icmp = new IcmpCounters { NoFlow = 1, OverLimit = 2, Sent = 3, Received = 4, Delivered = 5, Refused = 6, Unmatched = ulong.MaxValue } } }, Cancellation);
        Assert.Equal("seen compute1 0", await _listener.NextAsync());
        Assert.Equal($"counted compute1 {new VRouterIcmpCounters(1, 2, 3, 4, 5, 6, long.MaxValue)}", await _listener.NextAsync());
        // An agent without an engine and without a relay counts nothing.
        await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat() }, Cancellation);
        await call.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 1 } }, Cancellation);
        Assert.Equal("seen compute1 0", await _listener.NextAsync());
        Assert.Equal("applied compute1 1", await _listener.NextAsync());
    }

    [Fact]
    public async Task An_unknown_overlay_engine_is_refused()
    {
        using var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(Connect, null, new CallOptions(cancellationToken: Cancellation));
        var hello = new Hello { Name = "compute1", Address = ByteString.CopyFrom(10, 0, 0, 1), OverlayEngine = "quantum" };
        await call.RequestStream.WriteAsync(new AgentMessage { Hello = hello }, Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Cancellation));
        Assert.Contains("overlay_engine \"quantum\"", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Compute_1", 4, 0, "name: 'Compute_1'")]
    [InlineData("compute1", 3, 0, "address: ")]
    [InlineData("compute1", 4, 4, "address6: ")]
    [InlineData("", 0, 1, "name: ", "address: ", "address6: ")]
    public async Task A_wrong_hello_is_refused_with_every_fault(string name, int address, int address6, params string[] faults)
    {
        using var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(Connect, null, new CallOptions(cancellationToken: Cancellation));
        var bytes = Enumerable.Repeat((byte)10, 16).ToArray();
        await call.RequestStream.WriteAsync(new AgentMessage { Hello = new Hello { Name = name, Address = ByteString.CopyFrom(bytes, 0, address), Address6 = ByteString.CopyFrom(bytes, 0, address6) } }, Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.All(faults, f => Assert.Contains(f, refused.Status.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stream_that_does_not_begin_with_a_hello_is_refused()
    {
        using var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(Connect, null, new CallOptions(cancellationToken: Cancellation));
        await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat() }, Cancellation);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Cancellation))).StatusCode);
    }

    [Fact]
    public async Task A_second_stream_of_a_name_replaces_the_first()
    {
        using var first = await HelloAsync("compute1");
        await _listener.NextAsync();
        using var second = await HelloAsync("compute1");
        Assert.Equal("disconnected compute1", await _listener.NextAsync());
        Assert.StartsWith("connected compute1", await _listener.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(StatusCode.Aborted, (await EndAsync(first)).StatusCode);
        _publisher.Publish("compute1", 4, new VRouterConfig([], [], [], [], []));
        Assert.Equal(4u, (await NextAsync(second)).Snapshot.Revision);
        await second.RequestStream.CompleteAsync();
        Assert.Equal("disconnected compute1", await _listener.NextAsync());
    }

    [Fact]
    public async Task A_silent_agent_is_disconnected_and_one_that_sends_heartbeats_is_kept()
    {
        using var silent = await HelloAsync("silent");
        using var alive = await HelloAsync("alive");
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var beating = Task.Run(async () =>
        {
            while (await timer.WaitForNextTickAsync(stop.Token)) await alive.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat() }, Cancellation);
        }, Cancellation);
        string line;
        do line = await _listener.NextAsync();
        while (!line.StartsWith("disconnected", StringComparison.Ordinal));
        Assert.Equal("disconnected silent", line);
        // It has heard the server meanwhile.
        Assert.True(await alive.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(ServerMessage.BodyOneofCase.Welcome, alive.ResponseStream.Current.BodyCase);
        Assert.True(await alive.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(ServerMessage.BodyOneofCase.Heartbeat, alive.ResponseStream.Current.BodyCase);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => beating);
    }

    [Fact]
    public async Task An_agent_that_does_not_read_is_disconnected_and_publishing_never_waits()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        _publisher.Publish("compute1", 1, new VRouterConfig([], [], [], [], []));
        for (ulong i = 2; i < 40_000; i++) _publisher.Publish("compute1", i, Delta());
        Assert.Equal("disconnected compute1", await _listener.NextAsync());
    }

    [Fact]
    public void So_is_one_that_does_not_read_the_wholes_that_it_gets()
    {
        using var stop = new CancellationTokenSource();
        var session = new VRouterSession(new VRouterHello("compute1", IPAddress.Parse("172.27.115.242"), null, "0.1.0", null), new VRouterKnowledge(Parts: false, Inside: false), TimeProvider.System, stop);
        for (var i = 0; i < VRouterSession.MaximumQueuedWholes; i++) session.EnqueueWhole([]);
        Assert.Null(session.Ending);
        session.EnqueueWhole([]);
        Assert.Contains("does not keep up", session.Ending!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_an_agent_that_sends_a_flood_only_so_much_is_taken_in_a_second_and_no_other_waits()
    {
        const int Beyond = 1000;
        using var flooding = await HelloAsync("compute1");
        await _listener.NextAsync();
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < AgentPace.Burst + Beyond; i++) await flooding.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 1 } }, Cancellation);
        }, Cancellation);
        for (var i = 0; i < AgentPace.Burst + Beyond; i++) Assert.Equal("applied compute1 1", await _listener.NextAsync());
        await sending;
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(0.9 * Beyond / AgentPace.PerSecond));
        // It has not been sent away, and its messages go on.
        await flooding.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 2 } }, Cancellation);
        Assert.Equal("applied compute1 2", await _listener.NextAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_an_agent_refuses_is_news_a_few_times_and_then_once_a_second_and_the_last_counts(bool isError)
    {
        const int Answers = 500;
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 1; i <= Answers; i++) await AnswerAsync(i, i);

        // What waits is passed on with a later message of the agent, whatever that says.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var beating = BeatAsync(stop.Token);
        var heard = 1;
        while (!(await HeardAsync()).StartsWith($"applied compute1 {Answers} ", StringComparison.Ordinal)) heard++;
        Assert.InRange(heard, 1, VRouterSession.MostNews + 1 + System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => beating);

        // What says the same as before is no news, and is passed on at once.
        for (var i = 1; i <= 2 * VRouterSession.MostNews; i++) await AnswerAsync(Answers + i, Answers);
        for (var i = 1; i <= 2 * VRouterSession.MostNews; i++) Assert.StartsWith($"applied compute1 {Answers + i} ", await HeardAsync(), StringComparison.Ordinal);

        Task AnswerAsync(int revision, int trouble)
        {
            var applied = new Applied { Revision = (ulong)revision };
            var key = new VRouter.V1.NatEntryKey { Address = ByteString.CopyFrom(100, 0, (byte)(trouble >> 8), (byte)trouble), Protocol = 6, Port = 80 };
            if (isError) applied.Error = $"trouble {trouble}";
            else applied.Refused.Add(new Refusal { Item = new ItemKey { NatEntry = key }, Reason = "no room" });
            return call.RequestStream.WriteAsync(new AgentMessage { Applied = applied }, Cancellation);
        }

        async Task BeatAsync(CancellationToken cancellation)
        {
            while (true)
            {
                await call.RequestStream.WriteAsync(new AgentMessage { Heartbeat = new Heartbeat() }, Cancellation);
                await Task.Delay(100, cancellation);
            }
        }

        async Task<string> HeardAsync()
        {
            while (true)
            {
                if (await _listener.NextAsync() is var line && line.StartsWith("applied", StringComparison.Ordinal)) return line;
            }
        }
    }

    [Fact]
    public async Task An_agent_that_connects_again_and_again_waits_from_the_sixth_time_on()
    {
        const int Beyond = 3;
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < VRouterStreamPublisher.ConnectBurst + Beyond; i++)
        {
            using var call = await HelloAsync("compute1");
            Assert.StartsWith("connected compute1", await _listener.NextAsync(), StringComparison.Ordinal);
            await call.RequestStream.CompleteAsync();
            Assert.Equal("disconnected compute1", await _listener.NextAsync());
        }

        // One a second. The bucket is filled at its own moments, so the first one may wait for less.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(Beyond - 1.2));
    }

    [Fact]
    public async Task HTTP_paths_of_the_host_keep_their_own_answers()
    {
        using var http = new HttpClient();
        using var answer = await http.PostAsync(new Uri(_app.Urls.Last() + "/v1/services"), null, Cancellation);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
    }

    [Fact]
    public async Task Another_agent_of_a_name_is_refused_while_the_first_is_alive_and_taken_when_that_is_silent()
    {
        using var first = await HelloAsync("compute1", instance: 1);
        await _listener.NextAsync();
        using var other = await HelloAsync("compute1", instance: 2);
        var refused = await Assert.ThrowsAsync<RpcException>(() => other.ResponseStream.MoveNext(Cancellation));
        Assert.Equal((StatusCode.AlreadyExists, "the name compute1 is in use by another agent"), (refused.StatusCode, refused.Status.Detail));
        _publisher.Publish("compute1", 4, new VRouterConfig([], [], [], [], []));
        Assert.Equal(4u, (await NextAsync(first)).Snapshot.Revision); // it has noticed nothing

        using var again = await HelloAsync("compute1", instance: 1); // its connection is dead without its knowledge
        Assert.Equal("disconnected compute1", await _listener.NextAsync());
        Assert.StartsWith("connected compute1", await _listener.NextAsync(), StringComparison.Ordinal);

        // Nothing is heard of it any more.
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var second = await HelloAsync("compute1", instance: 2);
                return await second.ResponseStream.MoveNext(Cancellation);
            }
            catch (RpcException)
            {
                return false;
            }
        }, seconds: 20, everyMilliseconds: 200);
    }

    [Fact]
    public async Task A_connection_that_is_sent_away_gets_the_reason_and_a_newer_one_stays()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        var publisher = (VRouterStreamPublisher)_publisher;
        var hello = publisher.HelloOf("compute1")!;
        _publisher.End(hello with { }, "of an earlier connection");
        _publisher.End(hello, "the address is taken");
        Assert.Equal("the address is taken", (await EndAsync(call)).Detail);
    }

    [Theory]
    [InlineData(true, StatusCode.Unavailable)] // the agent tries the next server; nothing is wrong with it
    [InlineData(false, StatusCode.AlreadyExists)]
    public async Task An_agent_that_may_not_connect_learns_whether_another_server_may_take_it(bool isElsewhere, StatusCode status)
    {
        _admission.Refusal = new AdmissionRefusal("for the log", "for the agent") { IsElsewhere = isElsewhere };
        using var refused = await HelloAsync("compute1");
        var end = await EndAsync(refused);
        Assert.Equal((status, "for the agent"), (end.StatusCode, end.Detail));
        _admission.Refusal = null;
        using var call = await HelloAsync("compute1");
        Assert.StartsWith("connected compute1", await _listener.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hello_is_answered_at_once_also_while_the_agent_waits_to_be_admitted()
    {
        var turn = new TaskCompletionSource();
        _admission.Turn = turn.Task;
        using var call = await HelloAsync("compute1");
        Assert.Null(((VRouterStreamPublisher)_publisher).HelloOf("compute1"));
        turn.SetResult();
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        Assert.NotNull(call.ResponseStream.Current.Welcome);
    }

    [Fact]
    public async Task An_agent_that_is_sent_on_learns_it_by_the_status_and_the_reason()
    {
        using var call = await HelloAsync("compute1", others: new OtherServers { Preferred = true, StaysSeconds = 70 });
        await _listener.NextAsync();
        var hello = ((VRouterStreamPublisher)_publisher).HelloOf("compute1")!;
        Assert.Equal(new VRouterOtherServers(Preferred: true, TimeSpan.FromSeconds(70)), hello.OtherServers);
        Assert.False(_publisher.SendOn(hello with { }, "of an earlier connection"));
        Assert.True(_publisher.SendOn(hello, "there are too many agents"));
        var end = await EndAsync(call);
        Assert.Equal((StatusCode.ResourceExhausted, "there are too many agents"), (end.StatusCode, end.Detail));
        Assert.Equal(1, _publisher.Counters.SentOn);
    }

    [Fact]
    public async Task The_server_says_first_what_it_understands_and_takes_refusals()
    {
        using var call = await HelloAsync("compute1");
        await _listener.NextAsync();
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        Assert.True(call.ResponseStream.Current.Welcome.TakesRefusals);
        var key = new VRouter.V1.NatEntryKey { Address = ByteString.CopyFrom(100, 0, 0, 4), Protocol = 6, Port = 80 };
        await call.RequestStream.WriteAsync(new AgentMessage { Applied = new Applied { Revision = 7, Refused = { new Refusal { Item = new ItemKey { NatEntry = key }, Reason = "no" } } } }, Cancellation);
        Assert.Equal($"applied compute1 7 | {new VirtualRouterItem.NatEntry(NatEntry("100.0.0.4").Key)}: no", await _listener.NextAsync());
    }

    private static VirtualRouterNatEntry NatEntry(string address) => new(
        new NatEntryKey(IPFamily.IPv4, IPAddress.Parse(address), TransportProtocol.TCP, 80),
        [new VirtualRouterBackend(IPAddress.Parse("10.0.0.1"), 8080, true)],
        false,
        []);

    private static VRouterDelta Delta() => new([NatEntry("100.0.0.5")], [], [], [], [], []);

    private static async Task<ServerMessage> NextAsync(AsyncDuplexStreamingCall<AgentMessage, ServerMessage> call)
    {
        do Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        while (call.ResponseStream.Current.BodyCase is ServerMessage.BodyOneofCase.Heartbeat or ServerMessage.BodyOneofCase.Welcome);
        return call.ResponseStream.Current;
    }

    /// <summary>How the server ends the stream.</summary>
    private static async Task<Status> EndAsync(AsyncDuplexStreamingCall<AgentMessage, ServerMessage> call)
    {
        var ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext(Cancellation))
            {
            }
        });
        return ended.Status;
    }

    private async Task<AsyncDuplexStreamingCall<AgentMessage, ServerMessage>> HelloAsync(string name, string overlayEngine = "", byte? instance = null, OtherServers? others = null, bool takesParts = false)
    {
        var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(Connect, null, new CallOptions(cancellationToken: Cancellation));
        var hello = new Hello
        {
            Name = name,
            Address = ByteString.CopyFrom(IPAddress.Parse("172.27.115.242").GetAddressBytes()),
            Address6 = ByteString.CopyFrom(IPAddress.Parse("fd00::242").GetAddressBytes()),
            AgentVersion = "0.1.0",
            OverlayEngine = overlayEngine,
            Instance = instance is { } i ? ByteString.CopyFrom([.. Enumerable.Repeat(i, 16)]) : ByteString.Empty,
            OtherServers = others,
            TakesParts = takesParts,
        };
        await call.RequestStream.WriteAsync(new AgentMessage { Hello = hello }, Cancellation);
        await call.ResponseHeadersAsync;
        return call;
    }

    /// <summary>Lets everybody connect until it is told otherwise.</summary>
    private sealed class Admission : IVRouterAdmission
    {
        public AdmissionRefusal? Refusal { get; set; }

        /// <summary>When it answers.</summary>
        public Task Turn { get; set; } = Task.CompletedTask;

        public async Task<AdmissionRefusal?> RefusalAsync(VRouterHello hello, VRouterHello? rival, CancellationToken cancellationToken)
        {
            await Turn.WaitAsync(cancellationToken);
            return Refusal;
        }
    }
}
