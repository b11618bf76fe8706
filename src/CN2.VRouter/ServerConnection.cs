using CN2.VRouter.Certificates;
using CN2.VRouter.V1;
using Grpc.Core;

namespace CN2.VRouter;

/// <summary>Keeps a stream to one of the servers: when one is away, or sends the agent on, it tries the next (<see cref="ServerTurns"/>).</summary>
internal sealed partial class ServerConnection(IReadOnlyList<Uri> servers, Hello hello, ServerTrust trust, AgentCertificate? own, TimeProvider time, ILogger logger)
{
    private readonly ILogger _logger = logger;
    private readonly ServerTurns _turns = new(ServerOrder.Of(hello.Name, servers), time);
    private readonly AnswerPatience _patience = new(servers.Count);
    private volatile ServerStream? _current;
    private ulong _connection;

    /// <summary>Queues a message for the server of this moment; without one the message is lost.</summary>
    public void Send(AgentMessage message) => _current?.Send(message);

    /// <summary>Runs until <paramref name="cancellation"/>.</summary>
    /// <param name="connected">Called when a server has accepted the hello.</param>
    /// <param name="received">Called for every message but heartbeats, in order.</param>
    public async Task RunAsync(Action<ServerStream> connected, Action<ServerMessage> received, Func<Heartbeat> heartbeat, CancellationToken cancellation)
    {
        string? lastReason = null;
        while (true)
        {
            var server = _turns.Next();
            var stream = new ServerStream(server, NextHello(), trust, own, _patience.Current, time);
            var isConnected = false;
            var began = time.GetTimestamp();
            try
            {
                await stream.RunAsync(
                    () =>
                    {
                        isConnected = true;
                        lastReason = null;
                        LogConnected(server);
                        _current = stream;
                        connected(stream);
                    },
                    received,
                    heartbeat,
                    cancellation);
            }
            catch (RpcException e)
            {
                cancellation.ThrowIfCancellationRequested();
                var reason = ReasonOf(server, e.Status);
                // Each reason once in the log, not every second.
                if (isConnected || lastReason != reason) LogDisconnected(server, reason);
                lastReason = reason;
                if (isConnected) _turns.Ended(time.GetElapsedTime(began), sentOn: e.StatusCode == StatusCode.ResourceExhausted);
            }

            _current = null;
            _patience.Ended(stream.End);
            if (isConnected && _turns.Count > 1) continue;
            await Task.Delay(AnswerWait.PauseAfter(isConnected, time.GetElapsedTime(began), _turns.Count), time, cancellation);
        }
    }

    /// <summary>Why a call to a server failed, in a sentence.</summary>
    public static string ReasonOf(Uri server, Status status)
    {
        if (status.DebugException is not { } cause) return status.Detail;
        for (Exception? inner = cause; inner is not null; inner = inner.InnerException)
        {
            if (inner is ServerTrustException) return inner.Message;
        }

        var isTls = server.Scheme == Uri.UriSchemeHttps;
        return cause switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => $"no TLS connection comes about ({(cause.InnerException ?? cause).Message.TrimEnd('.')}); does it speak TLS, or is it an http:// server?",
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError } when !isTls =>
                $"{(cause.InnerException ?? cause).Message.TrimEnd('.')}; does it speak TLS, so that it is an https:// server?",
            _ => status.StatusCode == StatusCode.Unavailable ? (cause.InnerException ?? cause).Message : status.Detail,
        };
    }

    /// <summary>The number grows with each connection, also over restarts while the clock does not go back.</summary>
    private Hello NextHello()
    {
        _connection = Math.Max(_connection + 1, (ulong)Math.Max(0, time.GetUtcNow().ToUnixTimeMilliseconds()));
        return new Hello(hello) { Connection = _connection, OtherServers = _turns.Others };
    }

    [LoggerMessage(10, LogLevel.Information, "Connected to {Server}.")]
    private partial void LogConnected(Uri server);

    [LoggerMessage(11, LogLevel.Warning, "Not connected to {Server}: {Reason}. Forwarding goes on; trying again.")]
    private partial void LogDisconnected(Uri server, string reason);
}
