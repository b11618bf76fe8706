using System.Net;
using System.Net.Sockets;

namespace CN2.VRouter.Tests.Lab;

/// <summary>An endpoint that sends <see cref="Length"/> octets over TCP to whoever connects, and answers a datagram with its length in decimal digits.</summary>
internal sealed class DownloadServer : IDisposable
{
    public const int Length = 1_000_000;

    private readonly Socket _listener;
    private readonly Socket _datagrams;

    public DownloadServer(NetworkNamespace home, int port)
    {
        _listener = home.Run(() => Bind(SocketType.Stream, ProtocolType.Tcp, port));
        _datagrams = home.Run(() => Bind(SocketType.Dgram, ProtocolType.Udp, port));
        _listener.Listen(512);
        _ = Task.Run(ServeAsync);
        _ = Task.Run(AnswerAsync);
    }

    /// <summary>Downloads from so many ports at once; returns how many got everything within the time.</summary>
    public static async Task<int> DownloadAsync(NetworkNamespace home, IPEndPoint from, int times, TimeSpan patience)
    {
        using var timeout = new CancellationTokenSource(patience);
        var sockets = Enumerable.Range(0, times).Select(_ => home.Run(() => new Socket(from.AddressFamily, SocketType.Stream, ProtocolType.Tcp))).ToList();
        try
        {
            var all = await Task.WhenAll(sockets.Select(s => Task.Run(() => LengthAsync(s, from, timeout.Token))));
            return all.Count(l => l == Length);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _datagrams.Dispose();
    }

    private static async Task<int> LengthAsync(Socket socket, IPEndPoint from, CancellationToken cancellation)
    {
        var (buffer, length) = (new byte[64 * 1024], 0);
        try
        {
            await socket.ConnectAsync(from, cancellation);
            while (await socket.ReceiveAsync(buffer, cancellation) is var read and > 0) length += read;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // It got so far.
        }

        return length;
    }

    private static Socket Bind(SocketType type, ProtocolType protocol, int port)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        return socket;
    }

    private async Task ServeAsync()
    {
        var content = new byte[Length];
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync();
                _ = Task.Run(async () =>
                {
                    using var _ = client;
                    try
                    {
                        for (var at = 0; at < Length;) at += await client.SendAsync(content.AsMemory(at));
                        client.Shutdown(SocketShutdown.Send);
                        await client.ReceiveAsync(new byte[1]);
                    }
                    catch (SocketException)
                    {
                        // The client has given up.
                    }
                });
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The endpoint was removed.
        }
    }

    private async Task AnswerAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var got = await _datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
                await _datagrams.SendToAsync(System.Text.Encoding.ASCII.GetBytes($"{got.ReceivedBytes}"), got.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The endpoint was removed.
        }
    }
}
