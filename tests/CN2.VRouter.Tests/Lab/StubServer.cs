using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CN2.VRouter.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CN2.VRouter.Tests.Lab;

/// <summary>The control plane's end of the stream in the hand of a test: the test sees every connection and decides what is sent.</summary>
public sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Connections _connections;

    private StubServer(WebApplication app, Connections connections, int port)
    {
        _app = app;
        _connections = connections;
        Url = $"http://127.0.0.1:{port}";
    }

    public string Url { get; }

    /// <summary>Listens on loopback, in <paramref name="home"/> if given, on a free port, or on <paramref name="port"/> to replace a server that ended.</summary>
    public static async Task<StubServer> StartAsync(NetworkNamespace? home = null, int port = 0)
    {
        Socket? listener = null;
        Socket Listen(EndPoint endpoint)
        {
            listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(endpoint);
            return listener;
        }

        var connections = new Connections();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(connections);
        builder.WebHost.UseSockets(s => s.CreateBoundListenSocket = e => home is null ? Listen(e) : home.Run(() => Listen(e)));
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port, o => o.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        port = ((IPEndPoint)listener!.LocalEndPoint!).Port;
        return new StubServer(app, connections, port);
    }

    public int Port => new Uri(Url).Port;

    /// <summary>The next agent that connects.</summary>
    public async Task<Connection> NextAsync(TimeSpan? within = null)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(within ?? Patience.Seconds(10));
        return await _connections.Arrived.Reader.ReadAsync(timeout.Token);
    }

    /// <param name="why">Null: agents are accepted again.</param>
    public void Refuse(string? why, StatusCode status = StatusCode.InvalidArgument) => _connections.Refusal = why is null ? null : new Status(status, why);

    /// <summary>The server takes connections at once, and answers a hello only after this time.</summary>
    public TimeSpan AnswersAfter
    {
        set => _connections.AnswersAfter = value;
    }

    /// <summary>How many hellos have come.</summary>
    public int Hellos => _connections.Hellos;

    /// <summary>How many hellos were refused.</summary>
    public int Refused => _connections.Refused;

    /// <summary>Streams stay open but carry nothing any more, as from a stopped process or over a broken network.</summary>
    public void FallSilent() => _connections.Silent = true;

    public async ValueTask DisposeAsync()
    {
        if (_connections.Stop.IsCancellationRequested) return;
        await _connections.Stop.CancelAsync();
        await _app.DisposeAsync();
    }

    public sealed class Connection(Hello hello, CancellationTokenSource ending)
    {
        private readonly CancellationToken _ended = ending.Token;

        public Hello Hello => hello;

        public Channel<ServerMessage> Outgoing { get; } = Channel.CreateUnbounded<ServerMessage>();

        internal Channel<AgentMessage> Incoming { get; } = Channel.CreateUnbounded<AgentMessage>();

        public CancellationToken Ended => _ended;

        /// <summary>How the stream ends; null: as the agent or the test ends it.</summary>
        internal Status? Status { get; private set; }

        /// <summary>Ends the stream.</summary>
        public void End(Status status)
        {
            Status = status;
            ending.Cancel();
        }

        public void Send(ServerMessage message) => Outgoing.Writer.TryWrite(message);

        public void Send(ulong revision, Items items) =>
            Send(new ServerMessage { Snapshot = new Snapshot { Revision = revision, Last = true, Items = items } });

        /// <summary>The next message of the kind; others are skipped.</summary>
        public async Task<AgentMessage> NextAsync(AgentMessage.BodyOneofCase kind, TimeSpan? within = null)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            timeout.CancelAfter(within ?? Patience.Seconds(10));
            while (true)
            {
                var message = await Incoming.Reader.ReadAsync(timeout.Token);
                if (message.BodyCase == kind) return message;
            }
        }

        public async Task<Applied> AppliedAsync() => (await NextAsync(AgentMessage.BodyOneofCase.Applied)).Applied;
    }

    private sealed class Connections
    {
        public Channel<Connection> Arrived { get; } = Channel.CreateUnbounded<Connection>();

        public CancellationTokenSource Stop { get; } = new();

        public Status? Refusal { get; set; }

        public int Refused { get; set; }

        public TimeSpan AnswersAfter { get; set; }

        public int Hellos;

        public bool Silent { get; set; }
    }

    private sealed class Service(Connections connections) : VirtualRouterControl.VirtualRouterControlBase
    {
        public override async Task Connect(IAsyncStreamReader<AgentMessage> requestStream, IServerStreamWriter<ServerMessage> responseStream, ServerCallContext context)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, connections.Stop.Token);
            await requestStream.MoveNext(ended.Token);
            Interlocked.Increment(ref connections.Hellos);
            await Task.Delay(connections.AnswersAfter, ended.Token);
            if (connections.Refusal is { } refusal)
            {
                connections.Refused++;
                throw new RpcException(refusal);
            }

            var connection = new Connection(requestStream.Current.Hello, ended);
            await context.WriteResponseHeadersAsync([]);
            await responseStream.WriteAsync(new ServerMessage { Heartbeat = new Heartbeat() }, ended.Token); // the agent is accepted
            connections.Arrived.Writer.TryWrite(connection);
            var writing = Task.Run(async () =>
            {
                await foreach (var message in connection.Outgoing.Reader.ReadAllAsync(ended.Token)) await responseStream.WriteAsync(message, ended.Token);
            });
            try
            {
                while (await requestStream.MoveNext(ended.Token))
                {
                    connection.Incoming.Writer.TryWrite(requestStream.Current);
                    if (requestStream.Current.BodyCase == AgentMessage.BodyOneofCase.Heartbeat && !connections.Silent) connection.Send(new ServerMessage { Heartbeat = new Heartbeat() });
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // Agent or test has ended the stream.
            }
            finally
            {
                await ended.CancelAsync();
                await writing.ContinueWith(static _ => { }, TaskScheduler.Default);
            }

            if (connection.Status is { } status) throw new RpcException(status);
        }
    }
}
