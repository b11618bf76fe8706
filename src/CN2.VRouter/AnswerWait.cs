using System.Net.Sockets;

namespace CN2.VRouter;

/// <summary>
/// The beginning of one connection to a server, until the hello is answered. A server of which nothing is heard is given up soon, because another one may serve the agent; one that is heard, by a byte of
/// TLS or of HTTP/2, has the connection and may have others to answer first.
/// </summary>
/// <param name="patience">How long the answer of a server that is heard may take.</param>
internal sealed class AnswerWait(TimeSpan patience, TimeProvider time)
{
    /// <summary>The agent waits at least this long between two attempts.</summary>
    internal static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Between two attempts, if there is one server: from half a second to one, by chance, so that agents whose streams ended at one moment do not all come back at one moment.
    /// </summary>
    internal static TimeSpan Reconnect => TimeSpan.FromSeconds(0.5 + (Random.Shared.NextDouble() / 2));

    /// <summary>How long nothing may be heard. This and the pause after it take no longer than docs/contract.md §1 allows between two attempts.</summary>
    internal static readonly TimeSpan Silence = TimeSpan.FromSeconds(2) - ShortestPause;

    // Shorter than the time for the first byte, so that an address that drops packets is reported as such.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1.5);

    private volatile bool _isHeard;

    /// <summary>Something was heard of the server, and the answer did not come in time.</summary>
    public bool IsUnanswered { get; private set; }

    /// <summary>Makes the connection of TCP, for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
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

    /// <summary>Waits for what comes with the answer.</summary>
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
