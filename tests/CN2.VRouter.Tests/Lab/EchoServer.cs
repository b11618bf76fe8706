using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CN2.VRouter.Tests.Lab;

/// <summary>
/// The application of an endpoint. Over TCP it greets with "name client-address" and echoes what it receives; over UDP it answers every
/// datagram with that greeting.
/// </summary>
public sealed class EchoServer : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private readonly string _name;

    public EchoServer(NetworkNamespace home, string name, int port)
    {
        _name = name;
        _sockets.Add(home.Run(() => Bind(SocketType.Stream, ProtocolType.Tcp, port)));
        _sockets.Add(home.Run(() => Bind(SocketType.Dgram, ProtocolType.Udp, port)));
        _sockets[0].Listen(512);
        _ = Task.Run(() => ServeStreamsAsync(_sockets[0]));
        _ = Task.Run(() => ServeDatagramsAsync(_sockets[1]));
    }

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
    }

    private static Socket Bind(SocketType type, ProtocolType protocol, int port)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, type, protocol) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        return socket;
    }

    private byte[] Greeting(EndPoint client)
    {
        var address = ((IPEndPoint)client).Address;
        return Encoding.ASCII.GetBytes($"{_name} {(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)}");
    }

    private async Task ServeStreamsAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync();
                _ = Task.Run(() => ServeStreamAsync(client));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The endpoint was removed.
        }
    }

    private async Task ServeStreamAsync(Socket client)
    {
        using var _ = client;
        try
        {
            await client.SendAsync(Greeting(client.RemoteEndPoint!));
            var buffer = new byte[1024];
            while (await client.ReceiveAsync(buffer) is var read and > 0) await client.SendAsync(buffer.AsMemory(0, read));
        }
        catch (SocketException)
        {
            // The client has closed the connection.
        }
    }

    private async Task ServeDatagramsAsync(Socket socket)
    {
        var buffer = new byte[1024];
        try
        {
            while (true)
            {
                var got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
                await socket.SendToAsync(Greeting(got.RemoteEndPoint), got.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The endpoint was removed.
        }
    }
}
