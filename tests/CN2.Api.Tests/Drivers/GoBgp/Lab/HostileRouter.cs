using System.Net;
using System.Net.Sockets;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>How a <see cref="HostileRouter"/> behaves.</summary>
internal enum Hostility
{
    /// <summary>It answers every connection with bytes that are no BGP, and reads nothing.</summary>
    Garbage,

    /// <summary>It answers every connection with a message of a type that there is not: gobgpd 3.10 ends at that (osrg/gobgp#3325).</summary>
    EndsTheEngine,

    /// <summary>It opens a session and at once sends an UPDATE whose MP_UNREACH_NLRI is malformed: gobgpd 3.10 ends at that.</summary>
    EndsTheEngineAtOnce,

    /// <summary>The same a second after the session is up.</summary>
    EndsTheEngineInSession,

    /// <summary>It takes connections and never says a word.</summary>
    HalfOpen,

    /// <summary>It opens a session and resets the connection a second later, again and again.</summary>
    Resets,
}

/// <summary>A far end that harms: it takes the control node's connections on port 179, and dials in itself every second.</summary>
internal sealed class HostileRouter : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly NamespaceThread _thread;
    private readonly Hostility _hostility;
    private readonly byte _host;
    private readonly Task[] _runs;
    private int _connections;

    public HostileRouter(BgpLab lab, string name, int host, Hostility hostility)
    {
        (_hostility, _host) = (hostility, (byte)host);
        _thread = new(lab.AddHost(name, host));
        _runs = [_thread.RunAsync(ListenAsync), _thread.RunAsync(DialAsync)];
    }

    /// <summary>How many connections it had.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public void Dispose()
    {
        _stop.Cancel();
        Task.WaitAll(_runs, TimeSpan.FromSeconds(5));
        _thread.Dispose();
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        using var listener = new TcpListener(IPAddress.Any, 179);
        listener.Start();
        var all = new List<Task>();
        try
        {
            while (true) all.Add(ServeAsync(await listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(all);
        }
    }

    private async Task DialAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("172.27.115.241"), 179), _stop.Token);
                await ServeAsync(socket);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }
            await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token).ContinueWith(_ => { }, TaskScheduler.Current);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        Interlocked.Increment(ref _connections);
        using var _ = socket;
        try
        {
            switch (_hostility)
            {
                case Hostility.Garbage:
                    // As a message, its length is 0.
                    await socket.SendAsync(new byte[100_000], _stop.Token);
                    await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token);
                    break;
                case Hostility.EndsTheEngine:
                    await socket.SendAsync(Message(99, []), _stop.Token);
                    await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token);
                    break;
                case Hostility.EndsTheEngineAtOnce or Hostility.EndsTheEngineInSession:
                    await socket.SendAsync((byte[])[.. Open(), .. Message(4, [])], _stop.Token);
                    if (_hostility == Hostility.EndsTheEngineInSession) await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token);
                    // AFI 1, SAFI 128, and three bytes that are no labelled prefix.
                    await socket.SendAsync(Message(2, [0, 0, 0, 9, 0x80, 15, 6, 0, 1, 128, 0xff, 0, 0]), _stop.Token);
                    await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token);
                    break;
                case Hostility.HalfOpen:
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                    break;
                default:
                    socket.LingerState = new(true, 0);
                    await socket.SendAsync((byte[])[.. Open(), .. Message(4, [])], _stop.Token);
                    await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token);
                    break;
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The control node closed it, or the test is over.
        }
    }

    private byte[] Open()
    {
        byte[] capabilities = [2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 1, 4, 0, 1, 0, 128];
        return Message(1, [4, (byte)(Spec.Asn >> 8), (byte)(Spec.Asn & 255), 0, 90, 172, 27, 115, _host, (byte)capabilities.Length, .. capabilities]);
    }

    private static byte[] Message(byte type, byte[] body) =>
        [.. Enumerable.Repeat((byte)0xFF, 16), 0, (byte)(body.Length + 19), type, .. body];
}
