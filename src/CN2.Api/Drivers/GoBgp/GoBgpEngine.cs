using System.Runtime.CompilerServices;
using CN2.Api.Options;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>gobgpd's calls as this driver needs them. Thread-safe. Throws <see cref="RpcException"/>; the caller decides what that means.</summary>
internal sealed class GoBgpEngine(Wire.GobgpApi.GobgpApiClient client, BgpOptions options, TimeProvider time)
{
    /// <summary>Paths in a message. Measured with gobgpd 3.10: 100 give the most paths a second (1: 10k, 100: 23k, 10 000: 13k).</summary>
    private const int BatchSize = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>What enters its table and what leaves to routers.</summary>
    public EnginePolicies Policies { get; } = new(client);

    public string Address => options.GoBgpAddress.OriginalString;

    public uint AutonomousSystem => options.AutonomousSystem;

    public string RouterId => options.RouterId?.ToString() ?? "";

    /// <summary>
    /// Longest time between two messages of a stream. A listing of 200,000 paths takes gobgpd 10 s before the first one.
    /// </summary>
    private static readonly TimeSpan StreamPatience = TimeSpan.FromSeconds(60);

    /// <summary>The call failed because the engine is away or the connection was given up, not because of what was asked.</summary>
    public static bool IsLoss(Exception e) =>
        e is RpcException or IOException or OperationCanceledException or HttpRequestException or ObjectDisposedException;

    private static DateTime Deadline => DateTime.UtcNow + Patience;

    public async Task<Wire.Global> GetAsync(CancellationToken cancellationToken) =>
        (await client.GetBgpAsync(new(), deadline: DateTime.UtcNow.AddSeconds(5), cancellationToken: cancellationToken)).Global ?? new();

    public async Task StartAsync(IReadOnlyList<LimitedPeer> limits, CancellationToken cancellationToken)
    {
        await client.StartBgpAsync(new() { Global = Wanted }, deadline: Deadline, cancellationToken: cancellationToken);
        Policies.EngineStarted();
        await Policies.EnsureAsync(limits, exactly: false, cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken) =>
        await client.StopBgpAsync(new(), deadline: Deadline, cancellationToken: cancellationToken);

    /// <summary>The engine runs with the configured AS number, router id and listening addresses.</summary>
    public bool IsWanted(Wire.Global actual) =>
        actual.Asn == Wanted.Asn && actual.RouterId == Wanted.RouterId && actual.ListenPort == Wanted.ListenPort
        && (Wanted.ListenAddresses.Count == 0 || Wanted.ListenAddresses.Order().SequenceEqual(actual.ListenAddresses.Order()));

    /// <summary>The paths of a family, or of one prefix of it.</summary>
    public async IAsyncEnumerable<Wire.Path> ListPathsAsync(
        Wire.Family family, HostPrefix? prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new Wire.ListPathRequest { TableType = Wire.TableType.Global, Family = family };
        if (prefix is { } one) request.Prefixes.Add(new Wire.TableLookupPrefix { Prefix = one.ToString() });
        await foreach (var path in ReadAsync(request, cancellationToken)) yield return path;
    }

    /// <summary>The paths of a family that a peer has sent, before any policy.</summary>
    public IAsyncEnumerable<Wire.Path> ListReceivedAsync(string peer, Wire.Family family, CancellationToken cancellationToken) =>
        ReadAsync(new() { TableType = Wire.TableType.AdjIn, Name = peer, Family = family }, cancellationToken);

    public async Task<long> CountPathsAsync(Wire.Family family, CancellationToken cancellationToken) =>
        (long)(await client.GetTableAsync(new() { TableType = Wire.TableType.Global, Family = family },
            deadline: Deadline, cancellationToken: cancellationToken)).NumPath;

    /// <summary>Completes when the engine has taken all of them; they take effect in this order.</summary>
    /// <exception cref="RpcException">The engine is away, or refuses one of them.</exception>
    public async Task SendAsync(IEnumerable<Wire.Path> paths, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(StreamPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var call = client.AddPathStream(cancellationToken: either.Token);
        var request = new Wire.AddPathStreamRequest { TableType = Wire.TableType.Global };
        request.Paths.Capacity = BatchSize;
        try
        {
            foreach (var path in paths)
            {
                request.Paths.Add(path);
                if (request.Paths.Count < BatchSize) continue;
                await call.RequestStream.WriteAsync(request, cancellationToken);
                patience.CancelAfter(StreamPatience);
                request.Paths.Clear();
            }
            if (request.Paths.Count > 0) await call.RequestStream.WriteAsync(request, cancellationToken);
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is InvalidOperationException or RpcException && !cancellationToken.IsCancellationRequested)
        {
            // The engine ended the call before it had read everything: writing fails as "cancelled", the status of the call says why.
            await call;
            throw;
        }
        await call;
    }

    /// <summary>
    /// Sends all items in this order and answers those that the engine refuses. The first refused path ends the stream, and the engine
    /// does not say which one it was: the items are halved until it stands alone. Repeating a path that the engine has changes nothing.
    /// </summary>
    /// <exception cref="RpcException">The engine is away, or its BGP server is stopped.</exception>
    public async Task<IReadOnlyList<EngineRefusal<T>>> SendAsync<T>(IReadOnlyList<T> items, Func<T, Wire.Path> encode, CancellationToken cancellationToken)
    {
        var refusals = new List<EngineRefusal<T>>();
        if (items.Count > 0) await SendRangeAsync(0, items.Count);
        return refusals;

        async Task SendRangeAsync(int start, int count)
        {
            try
            {
                await SendAsync(Enumerable.Range(start, count).Select(i => encode(items[i])), cancellationToken);
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unknown or StatusCode.InvalidArgument)
            {
                // A stopped BGP server refuses everything, with the same status.
                if (!IsWanted(await GetAsync(cancellationToken))) throw;
                if (count == 1)
                {
                    refusals.Add(new(items[start], e.Status.Detail));
                    return;
                }
                await SendRangeAsync(start, count / 2);
                await SendRangeAsync(start + count / 2, count - count / 2);
            }
        }
    }

    public async Task<List<Wire.Peer>> ListPeersAsync(string? address, CancellationToken cancellationToken)
    {
        using var call = client.ListPeer(new() { Address = address ?? "" }, deadline: Deadline, cancellationToken: cancellationToken);
        var peers = new List<Wire.Peer>();
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken)) peers.Add(response.Peer);
        return peers;
    }

    public async Task AddPeerAsync(Wire.Peer peer, CancellationToken cancellationToken)
    {
        if (peer.Conf.Type == Wire.PeerType.External)
            await Policies.AddExternalPeerAsync(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress), cancellationToken);
        await client.AddPeerAsync(new() { Peer = peer }, deadline: Deadline, cancellationToken: cancellationToken);
    }

    public async Task UpdatePeerAsync(Wire.Peer peer, CancellationToken cancellationToken)
    {
        if (peer.Conf.Type == Wire.PeerType.External)
            await Policies.AddExternalPeerAsync(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress), cancellationToken);
        await client.UpdatePeerAsync(new() { Peer = peer }, deadline: Deadline, cancellationToken: cancellationToken);
    }

    public async Task DeletePeerAsync(Wire.Peer peer, CancellationToken cancellationToken)
    {
        if (peer.Conf.AuthPassword != "")
        {
            // DeletePeer of 3.10 leaves the TCP MD5 key on the listening socket; a later peer of that address without a key could not connect.
            var keyless = peer.Clone();
            keyless.Conf.AuthPassword = "";
            keyless.Conf.AdminDown = true;
            keyless.State = null;
            await client.UpdatePeerAsync(new() { Peer = keyless }, deadline: Deadline, cancellationToken: cancellationToken);
        }
        await client.DeletePeerAsync(new() { Address = peer.Conf.NeighborAddress }, deadline: Deadline, cancellationToken: cancellationToken);
        if (peer.Conf.Type == Wire.PeerType.External)
            await Policies.RemoveExternalPeerAsync(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress), cancellationToken);
    }

    /// <summary>Asks for everything again, so that what was let in before the import policy was there goes.</summary>
    public async Task ResetInAsync(CancellationToken cancellationToken) =>
        await client.ResetPeerAsync(new() { Address = "all", Soft = true, Direction = Wire.ResetPeerRequest.Types.SoftResetDirection.In },
            deadline: Deadline, cancellationToken: cancellationToken);

    /// <summary>Sends all peers again what they may have now; their sessions stay.</summary>
    public Task ResetOutAsync(CancellationToken cancellationToken) => ResetOutAsync("all", cancellationToken);

    /// <summary>Sends a peer again what it may have now.</summary>
    public async Task ResetOutAsync(string peer, CancellationToken cancellationToken) =>
        await client.ResetPeerAsync(new() { Address = peer, Soft = true, Direction = Wire.ResetPeerRequest.Types.SoftResetDirection.Out },
            deadline: Deadline, cancellationToken: cancellationToken);

    public AsyncServerStreamingCall<Wire.WatchEventResponse> WatchPeers(CancellationToken cancellationToken) =>
        client.WatchEvent(new() { Peer = new() }, cancellationToken: cancellationToken);

    /// <summary>Sends an event for every path that is added or withdrawn; the event has the path only when the best path of the prefix changed.</summary>
    public AsyncServerStreamingCall<Wire.WatchEventResponse> WatchTable(CancellationToken cancellationToken) =>
        client.WatchEvent(new() { Table = new() { Filters = { new Wire.WatchEventRequest.Types.Table.Types.Filter() } } },
            cancellationToken: cancellationToken);

    /// <summary>Sends the events of sessions, and all paths that peers send, before any policy, in their order; it begins with the present sessions.</summary>
    public AsyncServerStreamingCall<Wire.WatchEventResponse> WatchReceived(CancellationToken cancellationToken) =>
        client.WatchEvent(new()
        {
            Peer = new(),
            Table = new() { Filters = { new Wire.WatchEventRequest.Types.Table.Types.Filter { Type = Wire.WatchEventRequest.Types.Table.Types.Filter.Types.Type.Adjin } } },
        }, cancellationToken: cancellationToken);

    /// <summary>Where the engine reports by BMP.</summary>
    public async Task<List<(string Host, int Port)>> ListStationsAsync(CancellationToken cancellationToken)
    {
        using var call = client.ListBmp(new(), deadline: Deadline, cancellationToken: cancellationToken);
        var stations = new List<(string, int)>();
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
            if (response.Station?.Conf is { } station) stations.Add((station.Address, (int)station.Port));
        return stations;
    }

    /// <summary>The engine reports the beginning and the end of sessions there, and no routes.</summary>
    public async Task AddStationAsync(string host, int port, string name, CancellationToken cancellationToken) =>
        await client.AddBmpAsync(
            new() { Address = host, Port = (uint)port, Policy = Wire.AddBmpRequest.Types.MonitoringPolicy.Obsolete, SystemName = name },
            deadline: Deadline, cancellationToken: cancellationToken);

    public async Task DeleteStationAsync(string host, int port, CancellationToken cancellationToken) =>
        await client.DeleteBmpAsync(new() { Address = host, Port = (uint)port }, deadline: Deadline, cancellationToken: cancellationToken);

    private Wire.Global Wanted => new()
    {
        Asn = options.AutonomousSystem,
        RouterId = RouterId,
        ListenPort = options.ListenPort,
        ListenAddresses = { options.ListenAddresses.Select(a => a.ToString()) },
    };

    private async IAsyncEnumerable<Wire.Path> ReadAsync(Wire.ListPathRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(StreamPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var call = client.ListPath(request, cancellationToken: either.Token);
        await foreach (var response in call.ResponseStream.ReadAllAsync(either.Token))
        {
            patience.CancelAfter(StreamPatience);
            foreach (var path in response.Destination.Paths) yield return path;
        }
    }
}
