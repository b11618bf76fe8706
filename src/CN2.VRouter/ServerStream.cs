using System.Threading.Channels;
using CN2.VRouter.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.VRouter;

/// <summary>One connection to one CN2.Api, from hello to the end: sends what is queued and a heartbeat, hands on what arrives.</summary>
public sealed class ServerStream(Uri server, Hello hello, TimeProvider time)
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan HelloPatience = TimeSpan.FromSeconds(1.9);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1.5);

    private readonly Channel<AgentMessage> _outgoing = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Queues a message; lost when the stream ends before it is sent, as everything that matters is told again on the next.</summary>
    public void Send(AgentMessage message) => _outgoing.Writer.TryWrite(message);

    /// <summary>Runs until the stream ends or <paramref name="cancellation"/>.</summary>
    /// <param name="connected">Called once, when the server has taken the hello.</param>
    /// <param name="received">Called for every message but heartbeats, in order.</param>
    /// <exception cref="RpcException">Why it ended.</exception>
    public async Task RunAsync(Action connected, Action<ServerMessage> received, Func<Heartbeat> heartbeat, CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = Beat,
            KeepAlivePingTimeout = Patience,
            UseProxy = false,
        };
        using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = false });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var call = new VirtualRouterControl.VirtualRouterControlClient(channel).Connect(cancellationToken: stop.Token);
        var silence = new Silence(time, stop);
        var writing = WriteAsync(call.RequestStream, heartbeat, silence, stop);
        try
        {
            // The server answers the hello with its headers; a refusal ends the call here.
            await call.ResponseHeadersAsync.WaitAsync(HelloPatience, time, stop.Token);
            silence.Broken();
            connected();
            await foreach (var message in call.ResponseStream.ReadAllAsync(stop.Token))
            {
                silence.Broken();
                if (message.BodyCase != ServerMessage.BodyOneofCase.Heartbeat) received(message);
            }

            if (call.GetStatus() is { StatusCode: not StatusCode.OK } status) throw new RpcException(status);
            throw new RpcException(new Status(StatusCode.Unavailable, "the server has ended the stream"));
        }
        catch (RpcException) when (silence.TooLong && !cancellation.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "nothing was heard for too long"));
        }
        catch (TimeoutException)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "it does not answer"));
        }
        finally
        {
            await stop.CancelAsync();
            try
            {
                await writing;
            }
            catch (Exception e) when (e is OperationCanceledException or RpcException or InvalidOperationException or IOException)
            {
                // The reading side says why. A write that a dying connection met fails with the connection's own IOException.
            }
        }
    }

    private async Task WriteAsync(IClientStreamWriter<AgentMessage> stream, Func<Heartbeat> heartbeat, Silence silence, CancellationTokenSource stop)
    {
        await stream.WriteAsync(new AgentMessage { Hello = hello }, stop.Token);
        using var timer = new PeriodicTimer(Beat, time);
        var beat = timer.WaitForNextTickAsync(stop.Token).AsTask();
        var message = _outgoing.Reader.WaitToReadAsync(stop.Token).AsTask();
        while (true)
        {
            var next = await Task.WhenAny(beat, message);
            await next;
            if (next == beat)
            {
                silence.Check();
                await stream.WriteAsync(new AgentMessage { Heartbeat = heartbeat() }, stop.Token);
                beat = timer.WaitForNextTickAsync(stop.Token).AsTask();
            }
            else
            {
                while (_outgoing.Reader.TryRead(out var queued)) await stream.WriteAsync(queued, stop.Token);
                message = _outgoing.Reader.WaitToReadAsync(stop.Token).AsTask();
            }
        }
    }

    /// <summary>Ends the stream when the server has not been heard for too long; its heartbeat comes every 2 s.</summary>
    private sealed class Silence(TimeProvider time, CancellationTokenSource stop)
    {
        private long _heard = time.GetTimestamp();

        public bool TooLong { get; private set; }

        public void Broken() => Volatile.Write(ref _heard, time.GetTimestamp());

        public void Check()
        {
            if (time.GetElapsedTime(Volatile.Read(ref _heard)) < Patience) return;
            TooLong = true;
            stop.Cancel();
        }
    }
}
