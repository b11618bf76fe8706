extern alias agent;

using System.Buffers;
using System.Diagnostics;
using agent::CN2.VRouter;
using agent::CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Bench.Load;

/// <summary>
/// One agent of a <see cref="Fleet"/>, lean enough for thousands in one process: a connection of its own, with the pace and the patience of cn2-vrouter.
/// It counts what it reads and makes no objects of it, so that its own cost does not hide the server's.
/// </summary>
internal sealed class FleetAgent
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SlowPause = TimeSpan.FromMilliseconds(100);
    private static readonly byte[] Heartbeat = new AgentMessage { Heartbeat = new Heartbeat { Node = new NodeReport(), Icmp = new IcmpCounters() } }.ToByteArray();

    private readonly Fleet _fleet;
    private readonly AgentBehaviour _behaviour;
    private readonly Hello _hello;
    private readonly ServerTurns _turns;
    private readonly AnswerPatience _patience;
    private readonly Action<ReadOnlySpan<byte>>? _witness;
    private readonly Method<byte[], FleetMessage> _connect;
    private readonly Task _running;
    private volatile AgentStream? _stream;

    private bool _hasSnapshot;
    private int _addresses;
    private long _wholeSince;
    private long _passedAt;
    private long _bytes;
    private long _items;
    private int _attempts;
    private int _broken;

    public FleetAgent(Fleet fleet, Hello hello, AgentBehaviour behaviour, Action<ReadOnlySpan<byte>>? witness, CancellationToken ending)
    {
        (_fleet, _hello, _behaviour, _witness) = (fleet, hello, behaviour, witness);
        _turns = new ServerTurns(ServerOrder.Of(hello.Name, fleet.Servers), TimeProvider.System);
        _patience = new AnswerPatience(fleet.Servers.Count);
        _connect = new Method<byte[], FleetMessage>(MethodType.DuplexStreaming, "cn2.vrouter.v1.VirtualRouterControl", "Connect",
            new Marshaller<byte[]>(static (bytes, context) => context.Complete(bytes), static context => context.PayloadAsNewBuffer()),
            new Marshaller<FleetMessage>(static (_, _) => throw new NotSupportedException(), Read));
        _running = RunAsync(ending);
    }

    public bool IsGood => _behaviour == AgentBehaviour.Good;

    /// <summary>When the connection began that has brought the whole (<see cref="Stopwatch.GetTimestamp"/>); 0: none, or it has ended.</summary>
    public long WholeSince => Volatile.Read(ref _wholeSince);

    /// <summary>When the landmark of the fleet came by; 0: not yet.</summary>
    public long PassedAt => Volatile.Read(ref _passedAt);

    /// <summary>Bytes of all messages so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Items of all messages so far.</summary>
    public long Items => Interlocked.Read(ref _items);

    /// <summary>Connections tried so far.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>Streams that ended though nobody here wanted it.</summary>
    public int Broken => Volatile.Read(ref _broken);

    public void ForgetLandmark() => Volatile.Write(ref _passedAt, 0);

    /// <summary>Ends the connection; it comes back as cn2-vrouter does.</summary>
    public void Drop() => _stream?.End();

    /// <summary>To be called every <see cref="HeartbeatProtocol.Interval"/>: an agent that is silent for three of them counts as gone, and so does a server.</summary>
    public void Beat()
    {
        if (_stream is not { } stream) return;
        if (_behaviour == AgentBehaviour.SaysNothing || (_behaviour == AgentBehaviour.Freezes && WholeSince != 0)) return;
        if (IsGood && Stopwatch.GetElapsedTime(stream.HeardAt) > HeartbeatProtocol.Patience) stream.Break();
        stream.Send(Heartbeat);
    }

    /// <summary>Completes when it has ended.</summary>
    public Task Ended => _running;

    private async Task RunAsync(CancellationToken ending)
    {
        await Task.Yield();
        while (!ending.IsCancellationRequested)
        {
            Interlocked.Increment(ref _attempts);
            using var stream = new AgentStream(ending);
            using var wait = new AnswerWait(_patience.Current, TimeProvider.System);
            var server = _turns.Next();
            var sentOn = false;
            try
            {
                await ConnectAsync(stream, server, wait);
            }
            catch (RpcException e)
            {
                sentOn = e.StatusCode == StatusCode.ResourceExhausted;
            }
            catch (Exception e) when (e is OperationCanceledException or TimeoutException or IOException or InvalidOperationException)
            {
                // It tries again, whatever it was.
            }

            _stream = null;
            _patience.Ended(stream.WasTaken ? AttemptEnd.Answered : wait.IsUnanswered || Stopwatch.GetElapsedTime(stream.BeganAt) >= HeartbeatProtocol.Patience ? AttemptEnd.Unanswered : AttemptEnd.NotReached);
            if (stream.WasTaken && !stream.WasEnded) Interlocked.Increment(ref _broken);
            (_hasSnapshot, _addresses) = (false, 0);
            Volatile.Write(ref _wholeSince, 0);
            if (stream.WasTaken) _turns.Ended(Stopwatch.GetElapsedTime(stream.BeganAt), sentOn);
            if (stream.WasTaken && _turns.Count > 1) continue;
            var pause = _behaviour == AgentBehaviour.Reconnects ? ShortestPause : AnswerWait.PauseAfter(stream.WasTaken, Stopwatch.GetElapsedTime(stream.BeganAt), _turns.Count);
            await Task.Delay(pause, ending).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task ConnectAsync(AgentStream stream, Uri server, AnswerWait wait)
    {
        using var handler = wait.NewHandler();
        using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler });
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(_connect, null, new CallOptions(cancellationToken: stream.Stop));
        if (_behaviour != AgentBehaviour.SaysNothing)
            stream.Send(new AgentMessage { Hello = new Hello(_hello) { Connection = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), OtherServers = _turns.Others } }.ToByteArray());
        var writing = stream.WriteAsync(call.RequestStream);
        try
        {
            var answer = call.ResponseHeadersAsync;
            await (_behaviour == AgentBehaviour.SaysNothing ? answer : wait.AnsweredAsync(answer, stream.Stop));
            stream.Answered();
            _stream = stream;
            if (_behaviour == AgentBehaviour.Reconnects) stream.EndAfter(TimeSpan.FromSeconds(1));
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                stream.Heard();
                await TakeAsync(stream, call.ResponseStream.Current);
            }
        }
        finally
        {
            stream.Break();
            await writing;
        }
    }

    private Task TakeAsync(AgentStream stream, FleetMessage message)
    {
        var isSnapshot = message.Body == ServerMessage.BodyOneofCase.Snapshot;
        if (isSnapshot && message.IsComplete) _hasSnapshot = true;
        _addresses += message.Addresses;
        Interlocked.Add(ref _items, message.Items);
        if (message.IsComplete)
        {
            if (WholeSince == 0 && _hasSnapshot && _addresses >= _fleet.AddressesOfWhole) Volatile.Write(ref _wholeSince, stream.BeganAt);
            if (RevisionToSay(message) is { } revision) stream.Send(new AgentMessage { Applied = new Applied { Revision = revision } }.ToByteArray());
        }

        return _behaviour switch
        {
            AgentBehaviour.Slow => Task.Delay(SlowPause, stream.Stop),
            AgentBehaviour.StopsReading when isSnapshot => Task.Delay(Timeout.Infinite, stream.Stop),
            AgentBehaviour.Freezes when WholeSince != 0 => Task.Delay(Timeout.Infinite, stream.Stop),
            _ => Task.CompletedTask,
        };
    }

    /// <summary>Null: it acknowledges nothing.</summary>
    private ulong? RevisionToSay(FleetMessage message) => _behaviour switch
    {
        AgentBehaviour.NeverAcknowledges or AgentBehaviour.StopsReading => null,
        AgentBehaviour.AcknowledgesWhatItNeverGot => message.Revision + 1_000_000,
        _ => message.Revision,
    };

    private FleetMessage Read(DeserializationContext context)
    {
        var payload = context.PayloadAsReadOnlySequence();
        var bytes = payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray();
        Interlocked.Add(ref _bytes, bytes.Length);
        if (_fleet.Landmark is { } landmark && PassedAt == 0 && bytes.IndexOf(landmark) >= 0) Volatile.Write(ref _passedAt, Stopwatch.GetTimestamp());
        _witness?.Invoke(bytes);
        return FleetMessage.Read(bytes);
    }
}
