using System.Net.Sockets;
using Grpc.Net.Client;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Opens a channel to gobgpd's gRPC address. It connects by its own callback, for TCP too, so that a call to an engine that is away fails
/// at once and does not wait for the channel's back-off.
/// </summary>
internal static class GoBgpChannel
{
    public static GrpcChannel Open(Uri uri)
    {
        var unix = uri.Scheme == "unix";
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = unix ? ConnectUnixAsync : ConnectTcpAsync,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        return GrpcChannel.ForAddress(unix ? new Uri("http://localhost") : uri, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
        });

        async ValueTask<Stream> ConnectUnixAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(uri.AbsolutePath), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        static async ValueTask<Stream> ConnectTcpAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
