using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Hears from the engine why a session ended: gobgpd 3.10 says the code of a NOTIFICATION only to stations of the BGP Monitoring Protocol
/// (RFC 7854). The station listens, the engine is told to connect, and proves itself by a name that it was given. It sends no routes. Without
/// a station everything works but <see cref="BgpSession.LastError"/> has no words for the code. Thread-safe.
/// </summary>
/// <remarks>Anybody who reaches the port may send anything: a stream that is not the engine's, or not in order, is closed and nothing more.</remarks>
internal sealed class BmpStation : IDisposable
{
    /// <summary>An address of loopback that is nobody else's, so that a station of an earlier run is recognised in the engine's list.</summary>
    private static readonly IPAddress OwnLoopback = IPAddress.Parse("127.67.78.2");

    /// <summary>Connections at a time; one is the engine's, and those that are not have <see cref="Patience"/> to say who they are.</summary>
    private const int MostConnections = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly string _host;
    private readonly ISessionEnds _ends;
    private readonly ILogger _logger;
    private readonly Socket? _listener;
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _open = [];
    private Socket? _engine;

    /// <param name="host">How the engine reaches this server; null: by loopback.</param>
    /// <param name="listen">Binds a socket to an address.</param>
    public BmpStation(string? host, Func<IPAddress, Socket> listen, ISessionEnds ends, ILogger logger)
    {
        (_host, _ends, _logger) = (host ?? OwnLoopback.ToString(), ends, logger);
        try
        {
            _listener = listen(host is null ? OwnLoopback : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any);
            Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        }
        catch (SocketException e)
        {
            logger.NoStation(e.Message);
        }
    }

    /// <summary>What is known of the end of a session changed.</summary>
    public event Action? Changed;

    public int Port { get; }

    /// <summary>The engine proves itself by this name.</summary>
    public string Name { get; } = "cn2-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>The engine runs on this machine.</summary>
    public static bool IsBeside(Uri engine) => engine.Scheme == "unix" || engine.IsLoopback;

    /// <summary>A listening socket on a port that the system chooses.</summary>
    public static Socket Listen(IPAddress address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(new IPEndPoint(address, 0));
            socket.Listen(MostConnections);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes the engine connect, and forget the stations of earlier runs.</summary>
    public async Task SynchronizeAsync(GoBgpEngine engine, EngineTurn turn)
    {
        if (_listener is null) return;
        try
        {
            var isKnown = false;
            foreach (var (address, port) in await engine.ListStationsAsync(turn.Lost))
            {
                if (address != _host) continue;
                if (port == Port) isKnown = true;
                else await engine.DeleteStationAsync(address, port, turn.Lost);
            }
            if (!isKnown) await engine.AddStationAsync(_host, Port, Name, turn.Lost);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unknown or StatusCode.Unimplemented)
        {
            _logger.NoStation(e.Status.Detail);
        }
    }

    /// <summary>Listens until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (_listener is not null && !stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (SocketException)
            {
                // That connection was given up, or there are no file descriptors left.
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
                continue;
            }
            Serve(socket, stop);
        }
        Task[] open;
        lock (_lock) open = [.. _open];
        await Task.WhenAll(open);
    }

    public void Dispose() => _listener?.Dispose();

    private void Serve(Socket socket, CancellationToken stop)
    {
        lock (_lock)
        {
            if (_open.Count >= MostConnections)
            {
                socket.Dispose();
                return;
            }
            var task = Task.Run(() => ReadAsync(socket, stop), CancellationToken.None);
            _open.Add(task);
            task.ContinueWith(t =>
            {
                lock (_lock) _open.Remove(t);
            }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ReadAsync(Socket socket, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var buffer = new byte[BmpMessage.MostBytes];
        var isEngine = false;
        end.CancelAfter(Patience);
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(buffer.AsMemory(0, BmpMessage.HeaderSize), end.Token);
                if (!BmpMessage.TryReadHeader(buffer, out var type, out var length)) return;
                await stream.ReadExactlyAsync(buffer.AsMemory(0, length), end.Token);
                var body = buffer.AsSpan(0, length);
                if (!isEngine)
                {
                    if (type != BmpMessage.Initiation || BmpMessage.ReadSystemName(body) != Name) return;
                    isEngine = true;
                    end.CancelAfter(Timeout.InfiniteTimeSpan);
                    BeEngine(socket);
                }
                else if (!Take(type, body)) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It ended, or said nothing for too long.
        }
        finally
        {
            lock (_lock)
            {
                if (_engine == socket)
                {
                    _engine = null;
                    _ends.Hears(false);
                }
            }
        }
    }

    /// <summary>The engine has connected anew; what it sent before on another connection is at its end.</summary>
    private void BeEngine(Socket socket)
    {
        Socket? before;
        lock (_lock)
        {
            (before, _engine) = (_engine, socket);
            _ends.Hears(true);
        }
        before?.Dispose();
    }

    /// <summary>False: the stream cannot be read on.</summary>
    private bool Take(byte type, ReadOnlySpan<byte> body)
    {
        if (type is not (BmpMessage.PeerUp or BmpMessage.PeerDown)) return type != BmpMessage.Termination;
        if (BmpMessage.ReadPeer(body, out var rest) is not { } peer) return false;
        SessionEnd? end = null;
        if (type == BmpMessage.PeerDown && (end = BmpMessage.ReadPeerDown(rest)) is null) return false;
        if (_ends.Note(peer.ToString(), end)) Changed?.Invoke();
        return true;
    }
}

/// <summary>Takes what the station hears.</summary>
internal interface ISessionEnds
{
    /// <summary>The station hears the engine, from now on or no longer.</summary>
    void Hears(bool hears);

    /// <summary>A session ended, or (null) began; true when something visible changed.</summary>
    bool Note(string address, SessionEnd? end);
}
