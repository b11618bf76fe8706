using System.Net.Sockets;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// The beginning of one connection to a server, until the hello is answered. A server of which nothing is heard is given up soon, because another one may serve the agent; one that is heard, by a byte of
/// TLS or of HTTP/2, has the connection and may have others to answer first.
/// </summary>
/// <param name="patience">How long the answer of a server that is heard may take.</param>
internal sealed class AnswerWait(TimeSpan patience, TimeProvider time) : IDisposable
{
    /// <summary>The agent waits at least this long between two attempts.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(1);

    /// <summary>How long nothing may be heard. This and the pause after it take no longer than docs/contract.md §1 allows between two attempts.</summary>
    internal static readonly TimeSpan Silence = TimeSpan.FromSeconds(2) - ShortestPause;

    // Shorter than the time for the first byte, so that an address that drops packets is reported as such.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1.5);

    private readonly Lock _lock = new();
    private Socket? _socket;
    private bool _isDisposed;
    private volatile bool _isHeard;

    /// <summary>Something was heard of the server, and the answer did not come in time.</summary>
    public bool IsUnanswered { get; private set; }

    /// <summary>
    /// How long to wait before the next attempt: one a second, or more of several servers. After a stream that has worked it is from half a second to one, by chance: the streams of many agents end at one
    /// moment, and they need not all come back at one moment.
    /// </summary>
    /// <param name="wasConnected">The server had taken the agent.</param>
    /// <param name="attempt">How long the attempt took.</param>
    /// <param name="servers">How many there are. When a stream that has worked ends and there are several, the next is tried without a pause.</param>
    public static TimeSpan PauseAfter(bool wasConnected, TimeSpan attempt, int servers)
    {
        if (wasConnected) return Reconnect * (0.5 + (Random.Shared.NextDouble() / 2));
        var pause = (Reconnect / Math.Min(servers, 4)) - attempt;
        return pause > ShortestPause ? pause : ShortestPause;
    }

    /// <summary>How long the server's first message may take after its answer: it may have many agents to take.</summary>
    public TimeSpan FirstMessagePatience => patience > HeartbeatProtocol.Patience ? patience : HeartbeatProtocol.Patience;

    /// <summary>The handler of this connection, without TLS; to be disposed of by the caller.</summary>
    public SocketsHttpHandler NewHandler() => new()
    {
        ConnectTimeout = patience,
        ConnectCallback = ConnectAsync,
        KeepAlivePingDelay = HeartbeatProtocol.Interval,
        KeepAlivePingTimeout = FirstMessagePatience, // later, silence ends the stream sooner
        UseProxy = false,
    };

    /// <summary>Makes the connection of TCP.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        var socket = Own(new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, either.Token);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is OperationCanceledException && !cancellation.IsCancellationRequested) throw new TimeoutException($"no connection came about within {ConnectTimeout.TotalSeconds} s");
            throw;
        }

        _ = HearAsync(socket);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Waits for the answer to the hello.</summary>
    /// <exception cref="TimeoutException">It did not come in time.</exception>
    public async Task AnsweredAsync(Task answer, CancellationToken cancellation)
    {
        try
        {
            await answer.WaitAsync(Silence, time, cancellation);
        }
        catch (TimeoutException) when (_isHeard)
        {
            try
            {
                await answer.WaitAsync(patience - Silence, time, cancellation);
            }
            catch (TimeoutException)
            {
                IsUnanswered = true;
                throw;
            }
        }
    }

    /// <summary>Closes the connection. A handshake of TLS with a server that says nothing would keep it for a while longer.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _socket?.Dispose();
        }
    }

    private Socket Own(Socket socket)
    {
        lock (_lock)
        {
            _socket?.Dispose();
            _socket = socket;
            if (_isDisposed) socket.Dispose();
        }

        return socket;
    }

    private async Task HearAsync(Socket socket)
    {
        try
        {
            // Completes when there is a byte to read, and leaves it for the reader.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
            _isHeard = true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection has ended: the attempt says why.
        }
    }
}
