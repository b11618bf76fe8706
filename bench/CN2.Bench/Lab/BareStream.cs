extern alias agent;

using System.Buffers.Binary;
using System.Net;
using agent::CN2.VRouter.V1;
using CN2.Api.Drivers.VRouterStream;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace CN2.Bench.Lab;

/// <summary>
/// The reference of what agents are sent: a server in the bench's own process that answers every call with the same messages, made beforehand, and keeps
/// the stream with heartbeats: an agent that hears nothing for a while connects anew, and would begin again before the last one has its whole. It reads nothing and
/// knows nobody.
/// </summary>
internal sealed class BareStream : IAsyncDisposable
{
    private static readonly byte[] Beat = Frame(new ServerMessage { Heartbeat = new Heartbeat() }.ToByteArray());

    private readonly WebApplication _server;

    private BareStream(WebApplication server) => _server = server;

    /// <param name="server">Where it listens, with http://.</param>
    /// <param name="messages">What each call gets.</param>
    public static async Task<BareStream> StartAsync(Uri server, IReadOnlyList<byte[]> messages)
    {
        var frames = messages.Select(Frame).ToList();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Parse(server.Host), server.Port, o => o.Protocols = HttpProtocols.Http2));
        builder.WebHost.UseSockets(sockets => sockets.Backlog = VRouterStreamRegistration.Backlog);
        var application = builder.Build();
        application.Run(async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.StartAsync(context.RequestAborted);
            try
            {
                foreach (var frame in frames) await context.Response.BodyWriter.WriteAsync(frame, context.RequestAborted);
                using var timer = new PeriodicTimer(HeartbeatProtocol.Interval);
                while (await timer.WaitForNextTickAsync(context.RequestAborted)) await context.Response.BodyWriter.WriteAsync(Beat, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                // The agent is gone, or the bench has seen enough.
            }
        });
        await application.StartAsync();
        return new BareStream(application);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    /// <summary>A message as gRPC has it in the stream: not compressed, its length, its bytes.</summary>
    private static byte[] Frame(byte[] message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }
}
