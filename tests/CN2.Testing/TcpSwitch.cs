using System.Net;
using System.Net.Sockets;

namespace CN2.Testing;

/// <summary>
/// A loopback port that leads to another one, as a floating address or HAProxy does before a database. A test leads it elsewhere, cuts it,
/// or holds every byte back. All members may be called from several threads.
/// </summary>
public sealed class TcpSwitch : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Socket> _open = [];
    private TaskCompletionSource _passing = Done();
    private int? _target;

    /// <param name="target">The loopback port it leads to.</param>
    public TcpSwitch(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>New connections lead to this port; open ones are reset.</summary>
    public void Lead(int target) => Change(target);

    /// <summary>Open connections are reset, and new ones are at once, until it leads somewhere again.</summary>
    public void Cut() => Change(null);

    /// <summary>Connections stay open and new ones are taken, but no byte passes, as through a network that drops packets.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            if (_passing.Task.IsCompleted) _passing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>What was held back passes.</summary>
    public void Release()
    {
        lock (_lock) _passing.TrySetResult();
    }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Stop();
        Change(null);
        Release();
        _ending.Dispose();
    }

    private void Change(int? target)
    {
        Socket[] open;
        lock (_lock)
        {
            _target = target;
            open = [.. _open];
            _open.Clear();
        }

        foreach (var socket in open) Reset(socket);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_ending.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        int? target;
        lock (_lock)
        {
            target = _target;
            if (target is not null) _open.Add(client);
        }

        if (target is null)
        {
            Reset(client);
            return;
        }

        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await PassingAsync();
            await server.ConnectAsync(IPAddress.Loopback, target.Value);
            lock (_lock)
            {
                if (_open.Contains(client)) _open.Add(server);
                else throw new OperationCanceledException();
            }

            client.NoDelay = server.NoDelay = true;
            await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One of the two ends is gone; the other is closed as well.
        }

        lock (_lock)
        {
            _open.Remove(client);
            _open.Remove(server);
        }

        Reset(client);
        Reset(server);
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[16 * 1024];
            while (await from.ReceiveAsync(buffer, SocketFlags.None) is > 0 and var count)
            {
                await PassingAsync();
                for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One of the two ends is gone.
        }
    }

    private Task PassingAsync()
    {
        lock (_lock) return _passing.Task;
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }

        socket.Dispose();
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        done.SetResult();
        return done;
    }
}
