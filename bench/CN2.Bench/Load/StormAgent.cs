extern alias agent;

using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Threading.Channels;
using agent::CN2.VRouter.Certificates;
using agent::CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Bench.Load;

/// <summary>
/// One stream of a vRouter agent: connects when it is told, says hello, acknowledges what it gets, programs nothing. Unlike cn2-vrouter
/// it waits as long as the server takes.
/// </summary>
internal sealed class StormAgent : IAsyncDisposable
{
    /// <summary>Seconds for which cn2-vrouter waits until it hears something of a server (docs/contract.md §1: it tries again at least every 2 s).</summary>
    public const double PatienceOfAgents = 1.9;

    private readonly Channel<AgentMessage> _outgoing = Channel.CreateUnbounded<AgentMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SocketsHttpHandler _handler;
    private readonly GrpcChannel _channel;
    private readonly Task _running;

    /// <param name="server">Of the agents' port.</param>
    /// <param name="hello">What it says of itself.</param>
    /// <param name="start">It connects when this has completed.</param>
    /// <param name="trust">How it judges the server's certificate, as cn2-vrouter does.</param>
    /// <param name="certificate">Its own; null: it shows none.</param>
    public StormAgent(Uri server, Hello hello, Task start, ServerTrust trust, SslStreamCertificateContext? certificate)
    {
        _handler = new SocketsHttpHandler
        {
            UseProxy = false,
            PlaintextStreamFilter = (context, _) =>
            {
                ReachedAt = Stopwatch.GetTimestamp();
                return ValueTask.FromResult(context.PlaintextStream);
            },
        };
        if (server.Scheme == Uri.UriSchemeHttps)
        {
            _handler.SslOptions = trust.ForConnection(server);
            _handler.SslOptions.ClientCertificateContext = certificate;
        }

        _channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = _handler });
        _running = RunAsync(hello, start, _ending.Token);
    }

    /// <summary>When the connection was there, its TLS handshake done (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long ReachedAt { get; private set; }

    /// <summary>When the server had answered the hello.</summary>
    public long TakenAt { get; private set; }

    /// <summary>When the first snapshot was complete.</summary>
    public long BegunAt { get; private set; }

    /// <summary>Completes with the first snapshot; fails when the stream has ended before.</summary>
    public Task Begun => _begun.Task;

    /// <summary>The stream has ended, though nobody here has ended it.</summary>
    public bool HasEnded => _running.IsCompleted;

    /// <summary>An agent that is silent for 6 s counts as gone.</summary>
    public void Beat() => _outgoing.Writer.TryWrite(new AgentMessage { Heartbeat = new Heartbeat() });

    public static Hello HelloOf(string name, IPAddress address, byte[] instance, ulong connection) => new()
    {
        Name = name,
        Address = ByteString.CopyFrom(address.GetAddressBytes()),
        AgentVersion = "bench",
        Instance = ByteString.CopyFrom(instance),
        Connection = connection,
        TakesParts = true,
    };

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _channel.Dispose();
        _handler.Dispose();
        _ending.Dispose();
    }

    private async Task RunAsync(Hello hello, Task start, CancellationToken ct)
    {
        try
        {
            await start;
            using var call = new VirtualRouterControl.VirtualRouterControlClient(_channel).Connect(cancellationToken: ct);
            await call.RequestStream.WriteAsync(new AgentMessage { Hello = hello }, ct);
            var writing = WriteAsync(call.RequestStream, ct);
            await foreach (var message in call.ResponseStream.ReadAllAsync(ct)) Take(message);
            await writing;
            throw new RpcException(call.GetStatus());
        }
        catch (Exception e) when (ct.IsCancellationRequested && e is OperationCanceledException or RpcException or InvalidOperationException or IOException)
        {
            // It was ended by its owner.
        }
        catch (Exception e)
        {
            _begun.TrySetException(e);
        }
    }

    private void Take(ServerMessage message)
    {
        if (TakenAt == 0) TakenAt = Stopwatch.GetTimestamp();
        switch (message.BodyCase)
        {
            case ServerMessage.BodyOneofCase.Snapshot when message.Snapshot.Last:
                if (BegunAt == 0) BegunAt = Stopwatch.GetTimestamp();
                Acknowledge(message.Snapshot.Revision);
                _begun.TrySetResult();
                break;
            case ServerMessage.BodyOneofCase.Delta when !message.Delta.More:
                Acknowledge(message.Delta.Revision);
                break;
            default:
                break;
        }
    }

    private void Acknowledge(ulong revision) => _outgoing.Writer.TryWrite(new AgentMessage { Applied = new Applied { Revision = revision } });

    private async Task WriteAsync(IClientStreamWriter<AgentMessage> stream, CancellationToken ct)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync(ct)) await stream.WriteAsync(message, ct);
    }
}
