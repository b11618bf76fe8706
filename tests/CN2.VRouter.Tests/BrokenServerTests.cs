using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Certificates;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CN2.VRouter.Tests;

/// <summary>A server that is killed: the connection breaks in the middle of a message.</summary>
public sealed class BrokenServerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_that_breaks_during_a_write_ends_the_stream_with_an_RpcException()
    {
        await using var server = await StubServer.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var hello = new Hello { Name = "compute1", Address = ByteString.CopyFrom(172, 27, 115, 242), AgentVersion = "0.1.0" };
        var stream = new ServerStream(new Uri($"http://{listener.LocalEndpoint}"), hello, new ServerTrust(null), own: null, HeartbeatProtocol.Patience, TimeProvider.System);
        var connected = new TaskCompletionSource();
        var running = stream.RunAsync(connected.SetResult, _ => { }, () => new Heartbeat(), Ct);

        using var agent = await listener.AcceptSocketAsync(Ct);
        using var upstream = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await upstream.ConnectAsync(IPAddress.Loopback, server.Port, Ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var there = RelayAsync(agent, upstream, stop.Token);
        var back = RelayAsync(upstream, agent, Ct);
        await connected.Task.WaitAsync(Ct);

        // Nothing reaches the server any more, so the window of HTTP/2 stays full: the write cannot end before the connection does.
        await stop.CancelAsync();
        await there;
        stream.Send(new AgentMessage { Applied = new Applied { Revision = 1, Error = new string('x', 32 * 1024 * 1024) } });
        await SwallowAsync(agent, 64 * 1024);
        agent.LingerState = new LingerOption(true, 0);
        agent.Close();

        await Assert.ThrowsAsync<RpcException>(() => running);
        upstream.Close();
        await back;
    }

    private static async Task RelayAsync(Socket from, Socket to, CancellationToken stop)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, stop)) > 0;) await to.SendAsync(buffer.AsMemory(0, read), stop);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended the connection.
        }
    }

    private static async Task SwallowAsync(Socket from, int bytes)
    {
        var buffer = new byte[64 * 1024];
        for (int read; bytes > 0; bytes -= read) Assert.NotEqual(0, read = await from.ReceiveAsync(buffer, Ct));
    }
}
