using System.Net;
using System.Net.Sockets;

namespace CN2.Bench.Load;

/// <summary>
/// TCP connections to the agents' port on which nothing is ever sent. One that the server ends comes again a second later. They cost this process next to nothing, so that the agents in it are not slowed
/// down by them.
/// </summary>
internal sealed class SilentConnections : IAsyncDisposable
{
    private const int AtOnce = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ComesAgainAfter = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _running = [];
    private readonly IPEndPoint _server;
    private int _attempts;

    private SilentConnections(IPEndPoint server) => _server = server;

    /// <summary>How often one was opened.</summary>
    public int Attempts => _attempts;

    public static async Task<SilentConnections> OpenAsync(IPEndPoint server, int count)
    {
        var connections = new SilentConnections(server);
        for (var i = 0; i < count; i++)
        {
            connections._running.Add(connections.RunAsync());
            if (i % AtOnce == AtOnce - 1) await Task.Delay(Pause);
        }

        return connections;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_running);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        var buffer = new byte[64];
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(_server, _ending.Token);
                Interlocked.Increment(ref _attempts);
                while (await socket.ReceiveAsync(buffer, _ending.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(ComesAgainAfter, CancellationToken.None);
        }
    }
}
