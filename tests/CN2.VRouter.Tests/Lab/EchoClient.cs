using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CN2.VRouter.Tests.Lab;

/// <summary>The answer of an endpoint: its name and the client address that it saw.</summary>
public sealed record Answer(string Endpoint, string Client);

/// <summary>A client socket in a namespace, for an <see cref="EchoServer"/> behind translation.</summary>
public sealed class EchoClient : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[1024];

    private EchoClient(Socket socket) => _socket = socket;

    /// <summary>Opens a flow; null: no answer. <paramref name="from"/>: the client's address, with a port if it matters.</summary>
    public static async Task<EchoClient?> OpenAsync(NetworkNamespace home, ProtocolType protocol, string address, int port, string? from = null)
    {
        var to = new IPEndPoint(IPAddress.Parse(address), port);
        var type = protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram;
        var socket = home.Run(() => new Socket(to.AddressFamily, type, protocol));
        if (from is not null) socket.Bind(IPEndPoint.Parse(from));
        var client = new EchoClient(socket);
        using var timeout = new CancellationTokenSource(Patience.Seconds(0.7));
        try
        {
            await socket.ConnectAsync(to, timeout.Token);
            if (protocol == ProtocolType.Tcp) client.First = client.Read(await socket.ReceiveAsync(client._buffer, timeout.Token));
            else client.First = await client.AskAsync();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // First stays null.
        }

        if (client.First is not null) return client;
        client.Dispose();
        return null;
    }

    /// <summary>Opens a flow, asks once, closes it; null: no answer.</summary>
    public static async Task<Answer?> OnceAsync(NetworkNamespace home, ProtocolType protocol, string address, int port, string? from = null)
    {
        using var client = await OpenAsync(home, protocol, address, port, from);
        return client?.First;
    }

    public Answer? First { get; private set; }

    /// <summary>The local port.</summary>
    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    /// <summary>UDP: the endpoint that this flow reaches now; null: none.</summary>
    public async Task<Answer?> AskAsync()
    {
        using var timeout = new CancellationTokenSource(Patience.Seconds(0.7));
        try
        {
            await _socket.SendAsync("?"u8.ToArray(), timeout.Token);
            return Read(await _socket.ReceiveAsync(_buffer, timeout.Token));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>UDP: until this flow reaches that endpoint, or none. Flows end soon after a change and not with it: up to two seconds later on a busy machine, where a look at them takes long.</summary>
    public Task GoesToAsync(string? endpoint) => Eventually.TrueAsync(async () => (await AskAsync())?.Endpoint == endpoint, $"the flow goes to {endpoint ?? "nobody"}");

    /// <summary>Until a node tracks none of these flows. See <see cref="GoesToAsync"/>.</summary>
    /// <param name="flows">What conntrack prints of each of them.</param>
    public static Task EndedAsync(NetworkNamespace node, string flows) =>
        Eventually.TrueAsync(() => !node.Exec("conntrack", "-L").Contains(flows, StringComparison.Ordinal), $"no flow with {flows}");

    /// <summary>TCP: whether this connection still carries data in both directions.</summary>
    public async Task<bool> EchoesAsync()
    {
        using var timeout = new CancellationTokenSource(Patience.Seconds(5));
        try
        {
            await _socket.SendAsync("still there?"u8.ToArray(), timeout.Token);
            return await _socket.ReceiveAsync(_buffer, timeout.Token) == 12;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>TCP: whether this many bytes come back intact.</summary>
    public async Task<bool> EchoesAsync(int bytes)
    {
        using var timeout = new CancellationTokenSource(Patience.Seconds(10));
        var sent = new byte[bytes];
        Random.Shared.NextBytes(sent);
        var got = new byte[bytes];
        var sending = Task.Run(async () =>
        {
            for (var at = 0; at < bytes;) at += await _socket.SendAsync(sent.AsMemory(at), timeout.Token);
        });
        try
        {
            var at = 0;
            while (at < bytes && await _socket.ReceiveAsync(got.AsMemory(at), timeout.Token) is var read and > 0) at += read;
            await sending;
            return sent.AsSpan().SequenceEqual(got);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();

    private Answer? Read(int length)
    {
        var words = Encoding.ASCII.GetString(_buffer, 0, length).Split(' ');
        return words.Length == 2 ? new Answer(words[0], words[1]) : null;
    }
}
