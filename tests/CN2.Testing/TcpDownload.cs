using System.Diagnostics;
using System.Net.Sockets;

namespace CN2.Testing;

/// <summary>A session on which the server sends without an end, and the client checks every octet.</summary>
public sealed class TcpDownload : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new(Patience.Seconds(60));
    private readonly Task _sending;
    private readonly Task _receiving;
    private long _received;
    private long _longest; // of Stopwatch

    public TcpDownload(TcpSession session)
    {
        _sending = SendAsync(session.Server);
        _receiving = Task.Run(() => ReceiveAsync(session.Client));
    }

    /// <summary>The longest time without data since the last call.</summary>
    public TimeSpan TakeLongest() => Stopwatch.GetElapsedTime(0, Interlocked.Exchange(ref _longest, 0));

    /// <summary>Waits until so many octets more have arrived.</summary>
    public Task GoesOnAsync(long octets)
    {
        var until = Interlocked.Read(ref _received) + octets;
        return Eventually.TrueAsync(
            () => _receiving.IsCompleted ? throw new InvalidOperationException($"The download ended: {_receiving.Exception}") : Interlocked.Read(ref _received) >= until,
            "the download goes on",
            seen: () => $"{_received} octets");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_sending, _receiving).ContinueWith(_ => { }, TaskScheduler.Default);
        _end.Dispose();
    }

    private async Task ReceiveAsync(Socket socket)
    {
        var buffer = new byte[64 * 1024];
        var last = Stopwatch.GetTimestamp();
        while (await socket.ReceiveAsync(buffer, _end.Token) is var read and > 0)
        {
            var now = Stopwatch.GetTimestamp();
            if (now - last > Interlocked.Read(ref _longest)) Interlocked.Exchange(ref _longest, now - last);
            last = now;
            for (var i = 0; i < read; i++)
                if (buffer[i] != Octet(_received + i)) throw new InvalidDataException($"octet {_received + i} is another one");
            Interlocked.Add(ref _received, read);
        }
    }

    private async Task SendAsync(Socket socket)
    {
        var buffer = new byte[1400];
        for (var sent = 0L; ; sent += buffer.Length)
        {
            for (var i = 0; i < buffer.Length; i++) buffer[i] = Octet(sent + i);
            for (var at = 0; at < buffer.Length;) at += await socket.SendAsync(buffer.AsMemory(at), _end.Token);
            await Task.Delay(2, _end.Token);
        }
    }

    private static byte Octet(long position) => (byte)(position % 251);
}
