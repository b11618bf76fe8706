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
    private readonly Channel<AgentMessage> _outgoing = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>How the attempt has ended, once <see cref="RunAsync"/> has.</summary>
    public AttemptEnd End { get; private set; } = AttemptEnd.NotReached;

    /// <summary>Queues a message. It is lost if the stream ends before it is sent: the next stream repeats everything that matters.</summary>
    public void Send(AgentMessage message) => _outgoing.Writer.TryWrite(message);

    /// <summary>Runs until the stream ends or <paramref name="cancellation"/>.</summary>
    /// <param name="connected">Called once, when the server has accepted the hello: with its first message.</param>
    /// <param name="received">Called for every message but heartbeats, in order.</param>
    /// <exception cref="RpcException">Why the stream ended.</exception>
    public async Task RunAsync(Action connected, Action<ServerMessage> received, Func<Heartbeat> heartbeat, CancellationToken cancellation)
    {
        using var wait = new AnswerWait(patience, time);
        using var handler = NewHandler(wait);
        using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = false });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var call = new VirtualRouterControl.VirtualRouterControlClient(channel).Connect(cancellationToken: stop.Token);
        var silence = new Silence(time, stop, wait.FirstMessagePatience);
        var writing = WriteAsync(call.RequestStream, stop.Token);
        var beating = BeatAsync(heartbeat, silence, stop.Token);
        var pulsing = Task.CompletedTask;
        var isAccepted = false;
        try
        {
            // The server answers the hello with its headers, and then decides whether it takes the agent: its first message says that. A refusal has headers too, but no message.
            await wait.AnsweredAsync(call.ResponseHeadersAsync, stop.Token);
            End = AttemptEnd.Answered;
            silence.Begin();
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
        catch (Exception e) when ((e is RpcException or OperationCanceledException) && silence.TooLong && !cancellation.IsCancellationRequested)
        {
            if (!isAccepted) End = AttemptEnd.Unanswered;
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "nothing was heard for too long"));
        }
        catch (TimeoutException)
        {
            if (wait.IsUnanswered) End = AttemptEnd.Unanswered;
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
    private SocketsHttpHandler NewHandler(AnswerWait wait)
    {
        var handler = wait.NewHandler();
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

    /// <summary>Ends the stream when nothing was received from the server for <see cref="HeartbeatProtocol.Patience"/>, once it has answered the hello.</summary>
    /// <param name="first">For so long instead, before the first message.</param>
    private sealed class Silence(TimeProvider time, CancellationTokenSource stop, TimeSpan first)
    {
        private long _heard;
        private long _patience = first.Ticks;
        private volatile bool _hasBegun;

        public bool TooLong { get; private set; }

        /// <summary>The hello is answered.</summary>
        public void Begin()
        {
            Volatile.Write(ref _heard, time.GetTimestamp());
            _hasBegun = true;
        }

        /// <summary>A message has come.</summary>
        public void Broken()
        {
            Volatile.Write(ref _patience, HeartbeatProtocol.Patience.Ticks);
            Volatile.Write(ref _heard, time.GetTimestamp());
        }

        public void Check()
        {
            if (!_hasBegun || time.GetElapsedTime(Volatile.Read(ref _heard)).Ticks < Volatile.Read(ref _patience)) return;
            TooLong = true;
            stop.Cancel();
        }
    }
}
