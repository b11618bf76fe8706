using System.Net;
using System.Net.Sockets;

namespace CN2.Testing;

/// <summary>A TCP connection of which the test holds both ends.</summary>
public sealed class TcpSession : IDisposable
{
    private TcpSession(Socket client, Socket server) => (Client, Server) = (client, server);

    public Socket Client { get; }

    public Socket Server { get; }

    /// <param name="clientHome">The namespace of the client.</param>
    /// <param name="serverHome">The namespace of the server, which listens for this one connection.</param>
    /// <param name="to">Where the client connects to.</param>
    /// <param name="targetPort">Where the server listens.</param>
    /// <param name="from">The address of the client and its port, if they matter.</param>
    public static async Task<TcpSession> OpenAsync(NetworkNamespace clientHome, NetworkNamespace serverHome, IPEndPoint to, int targetPort, string? from = null)
    {
        using var listener = serverHome.Run(() => Bind(new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }, new IPEndPoint(IPAddress.IPv6Any, targetPort)));
        listener.Listen(1);
        var client = clientHome.Run(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            if (from is not null) client.Bind(IPEndPoint.Parse(from));
            using var timeout = new CancellationTokenSource(Patience.Seconds(5));
            await client.ConnectAsync(to, timeout.Token);
            var server = await listener.AcceptAsync(timeout.Token);
            server.NoDelay = true;
            return new TcpSession(client, server);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Whether a byte that the server sends arrives.</summary>
    public Task<bool> ServerSpeaksAsync(double seconds = 10) => CarriesAsync(Server, Client, seconds);

    /// <summary>Whether a byte that the client sends arrives.</summary>
    public Task<bool> ClientSpeaksAsync(double seconds = 10) => CarriesAsync(Client, Server, seconds);

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }

    private static async Task<bool> CarriesAsync(Socket from, Socket to, double seconds)
    {
        using var timeout = new CancellationTokenSource(Patience.Seconds(seconds));
        try
        {
            await from.SendAsync(new byte[] { 42 }, timeout.Token);
            return await to.ReceiveAsync(new byte[1], timeout.Token) == 1;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private static Socket Bind(Socket socket, IPEndPoint to)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(to);
        return socket;
    }
}
