using System.Net;
using System.Net.Sockets;

namespace CN2.VRouter.Tests.Lab;

/// <summary>Asks a port what is there.</summary>
internal static class PortProbe
{
    /// <summary>What a client is told about a port: an error, or null when nothing comes within a short time.</summary>
    public static async Task<SocketError?> ErrorAsync(NetworkNamespace home, ProtocolType protocol, string address, int port)
    {
        var to = new IPEndPoint(IPAddress.Parse(address), port);
        using var socket = home.Run(() => new Socket(to.AddressFamily, protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol));
        using var timeout = new CancellationTokenSource(Patience.Seconds(0.7));
        try
        {
            await socket.ConnectAsync(to, timeout.Token);
            if (protocol == ProtocolType.Tcp) return SocketError.Success;
            await socket.SendAsync("?"u8.ToArray(), timeout.Token);
            await socket.ReceiveAsync(new byte[100], timeout.Token);
            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
