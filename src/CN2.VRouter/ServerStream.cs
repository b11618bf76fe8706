using System.Threading.Channels;
using CN2.VRouter.Certificates;
using CN2.VRouter.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.VRouter;

/// <summary>One connection to one CN2.Api, from the hello to the end: sends queued messages and heartbeats, hands on what arrives.</summary>
/// <param name="trust">Whether the certificate of a server with https:// is good.</param>
/// <param name="own">The certificate of this node; null: it keeps none.</param>
/// <param name="patience">How long the answer to the hello may take, of a server that is heard (<see cref="AnswerPatience"/>).</param>
internal sealed class ServerStream(Uri server, Hello hello, ServerTrust trust, AgentCertificate? own, TimeSpan patience, TimeProvider time)
{
    private readonly AnswerWait _wait = new(patience, time);

    private readonly Channel<AgentMessage> _outgoing = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>The stream ended because the server was heard and did not answer the hello in time.</summary>
    public bool IsUnanswered => _wait.IsUnanswered;

    /// <summary>Queues a message. It is lost if the stream ends before it is sent: the next stream repeats everything that matters.</summary>
    public void Send(AgentMessage message) => _outgoing.Writer.TryWrite(message);

    /// <summary>Runs until the stream ends or <paramref name="cancellation"/>.</summary>
    /// <param name="connected">Called once, when the server has accepted the hello: with its first message.</param>
    /// <param name="received">Called for every message but heartbeats, in order.</param>
    /// <exception cref="RpcException">Why the stream ended.</exception>
    public async Task RunAsync(Action connected, Action<ServerMessage> received, Func<Heartbeat> heartbeat, CancellationToken cancellation)
    {
        using var handler = NewHandler();
        using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = false });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var call = new VirtualRouterControl.VirtualRouterControlClient(channel).Connect(cancellationToken: stop.Token);
        var silence = new Silence(time, stop);
        var writing = WriteAsync(call.RequestStream, stop.Token);
        var beating = BeatAsync(heartbeat, silence, stop.Token);
        var pulsing = Task.CompletedTask;
        try
        {
            // The server answers the hello with its headers. A refusal has headers too, but no message.
            await _wait.AnsweredAsync(call.ResponseHeadersAsync, stop.Token);
            silence.Broken();
            var isAccepted = false;
            await foreach (var message in call.ResponseStream.ReadAllAsync(stop.Token))
            {
                silence.Broken();
                if (!isAccepted) connected();
                isAccepted = true;
                if (message.Welcome is { PulseMilliseconds: > 0 } welcome && pulsing.IsCompleted) pulsing = PulseAsync(TimeSpan.FromMilliseconds(welcome.PulseMilliseconds), stop.Token);
                if (message.BodyCase != ServerMessage.BodyOneofCase.Heartbeat) received(message);
            }

            if (call.GetStatus() is { StatusCode: not StatusCode.OK } status) throw new RpcException(status);
            throw new RpcException(new Status(StatusCode.Unavailable, "the server has ended the stream"));
        }
        // The wait for the hello's answer ends with a cancellation: on a node that stood still, both clocks run out at once.
        catch (Exception e) when ((e is RpcException or OperationCanceledException) && silence.TooLong && !cancellation.IsCancellationRequested)
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
                await Task.WhenAll(writing, beating, pulsing);
            }
            catch (Exception e) when (e is OperationCanceledException or RpcException or InvalidOperationException or IOException)
            {
                // The reading side reports the reason. A write on a connection that breaks fails with the connection's own IOException.
            }
        }
    }

    /// <exception cref="RpcException">The CA file, or the certificate of this node, cannot be used.</exception>
    private SocketsHttpHandler NewHandler()
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = patience,
            ConnectCallback = _wait.ConnectAsync,
            KeepAlivePingDelay = HeartbeatProtocol.Interval,
            KeepAlivePingTimeout = HeartbeatProtocol.Patience,
            UseProxy = false,
        };
        if (server.Scheme != Uri.UriSchemeHttps) return handler;
        try
        {
            handler.SslOptions = trust.ForConnection(server);
            handler.SslOptions.ClientCertificateContext = own?.ForConnection();
            return handler;
        }
        catch (ServerTrustException e)
        {
            handler.Dispose();
            throw new RpcException(new Status(StatusCode.Unavailable, $"--ca-file: {e.Message}"));
        }
        catch (CertificateFileException e)
        {
            handler.Dispose();
            throw new RpcException(new Status(StatusCode.Unavailable, e.Message));
        }
    }

    private async Task WriteAsync(IClientStreamWriter<AgentMessage> stream, CancellationToken cancellation)
    {
        await stream.WriteAsync(new AgentMessage { Hello = hello }, cancellation);
        await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellation)) await stream.WriteAsync(message, cancellation);
    }

    private async Task BeatAsync(Func<Heartbeat> heartbeat, Silence silence, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(HeartbeatProtocol.Interval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            silence.Check();
            Send(new AgentMessage { Heartbeat = heartbeat() });
        }
    }

    /// <summary>Says that the agent is there as often as the server asked for. Neither what a Heartbeat tells nor its cost goes with it.</summary>
    private async Task PulseAsync(TimeSpan interval, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, time);
        do Send(new AgentMessage { Pulse = new Pulse() });
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    /// <summary>Ends the stream when nothing was received from the server for <see cref="HeartbeatProtocol.Patience"/>.</summary>
    private sealed class Silence(TimeProvider time, CancellationTokenSource stop)
    {
        private long _heard = time.GetTimestamp();

        public bool TooLong { get; private set; }

        public void Broken() => Volatile.Write(ref _heard, time.GetTimestamp());

        public void Check()
        {
            if (time.GetElapsedTime(Volatile.Read(ref _heard)) < HeartbeatProtocol.Patience) return;
            TooLong = true;
            stop.Cancel();
        }
    }
}
