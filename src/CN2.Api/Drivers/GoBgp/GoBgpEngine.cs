using System.Runtime.CompilerServices;
using CN2.Api.Options;
using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>gobgpd's calls as this driver needs them. Thread-safe. Throws <see cref="RpcException"/>; the caller decides what that means.</summary>
internal sealed class GoBgpEngine(Wire.GobgpApi.GobgpApiClient client, BgpOptions options, TimeProvider time)
{
    /// <summary>The engine's name for its main table (others belong to route server clients).</summary>
    private const string GlobalTable = "global";

    private const string ImportPolicy = "cn2-import";
    private const string ExportPolicy = "cn2-export";
    private const string ExternalPeers = "cn2-external-peers";
    private const string LimitPolicy = "cn2-limit-";

    /// <summary>Paths in a message. Measured with gobgpd 3.10: 100 give the most paths a second (1: 10k, 100: 23k, 10 000: 13k).</summary>
    private const int BatchSize = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>What may leave to routers; null: it was not said, and the engine keeps the fence that it has.</summary>
    public FencePolicy? Fence { get; set; }

    /// <summary>How often a fence was put in the place of another one.</summary>
    public int ReplacedFences { get; private set; }

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
        await EnsurePoliciesAsync(limits, exactly: false, cancellationToken);
    }

    public async Task StopAsync(CancellationToken cancellationToken) =>
        await client.StopBgpAsync(new(), deadline: Deadline, cancellationToken: cancellationToken);

    /// <summary>The engine runs with the configured AS number, router id and listening addresses.</summary>
    public bool IsWanted(Wire.Global actual) =>
        actual.Asn == Wanted.Asn && actual.RouterId == Wanted.RouterId && actual.ListenPort == Wanted.ListenPort
        && (Wanted.ListenAddresses.Count == 0 || Wanted.ListenAddresses.Order().SequenceEqual(actual.ListenAddresses.Order()));

    /// <summary>
    /// Import policy: only local paths enter the table. Memberships (RFC 4684) of peers do not enter either: route target filtering reads
    /// them before the policy, and gobgpd 3.10 crashes when a default membership is in the table and the same router sends another one.
    /// Export policies: the well-known communities of RFC 1997, which the engine ignores for local paths, and one policy for each limited
    /// router. At their end the <see cref="Fence"/>, beyond which nothing leaves. True when the import policy was missing, so that routes of peers may be in the
    /// table.
    /// </summary>
    /// <param name="exactly">False: policies of other limited routers stay, because paths may carry their markers.</param>
    public async Task<bool> EnsurePoliciesAsync(IReadOnlyList<LimitedPeer> limits, bool exactly, CancellationToken cancellationToken)
    {
        using var call = client.ListPolicyAssignment(new() { Name = GlobalTable }, deadline: Deadline, cancellationToken: cancellationToken);
        var import = false;
        List<string> assigned = [];
        var isFenced = false;
        await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            var assignment = response.Assignment;
            if (assignment.Direction == Wire.PolicyDirection.Import)
                import = assignment.DefaultAction == Wire.RouteAction.Reject && assignment.Policies is [{ Name: ImportPolicy }];
            else if (assignment.Direction == Wire.PolicyDirection.Export)
                (assigned, isFenced) = ([.. assignment.Policies.Select(p => p.Name)], assignment.DefaultAction == Wire.RouteAction.Reject);
        }

        if (!import)
        {
            await AddPolicyAsync(new()
            {
                Name = ImportPolicy,
                Statements =
                {
                    new Wire.Statement
                    {
                        Name = "cn2-import-local",
                        Conditions = new() { RouteType = Wire.Conditions.Types.RouteType.Local },
                        Actions = new() { RouteAction = Wire.RouteAction.Accept },
                    },
                },
            }, cancellationToken);
            await AssignAsync([ImportPolicy], Wire.PolicyDirection.Import, Wire.RouteAction.Reject, cancellationToken);
        }
        List<string> exports = [ExportPolicy, .. limits.Select(PolicyOf)];
        if (!exactly) exports.AddRange(assigned.Where(p => p.StartsWith(LimitPolicy, StringComparison.Ordinal)).Except(exports).ToList());
        // It stands last, because what it accepts is asked nothing more.
        var fences = assigned.Where(p => p.StartsWith(FencePolicy.Prefix, StringComparison.Ordinal)).ToList();
        exports.AddRange(Fence is null ? fences : [Fence.Name]);
        var mustFence = Fence is not null || fences.Count > 0;
        if (Fence is not null && !fences.Contains(Fence.Name)) await AddFenceAsync(Fence, cancellationToken);
        if (!assigned.Contains(ExportPolicy))
        {
            // An empty neighbour set would match every peer, so it gets an address that no peer can have.
            await AddExternalPeerAsync(System.Net.IPAddress.Broadcast, cancellationToken);
            await AddCommunitiesAsync("cn2-no-export", ["65535:65281", "65535:65283"], cancellationToken);
            await AddCommunitiesAsync("cn2-no-advertise", ["65535:65282"], cancellationToken);
            await AddPolicyAsync(new()
            {
                Name = ExportPolicy,
                Statements =
                {
                    new Wire.Statement
                    {
                        Name = "cn2-export-no-advertise",
                        Conditions = new() { CommunitySet = new() { Name = "cn2-no-advertise" } },
                        Actions = new() { RouteAction = Wire.RouteAction.Reject },
                    },
                    new Wire.Statement
                    {
                        Name = "cn2-export-no-export",
                        Conditions = new() { NeighborSet = new() { Name = ExternalPeers }, CommunitySet = new() { Name = "cn2-no-export" } },
                        Actions = new() { RouteAction = Wire.RouteAction.Reject },
                    },
                },
            }, cancellationToken);
        }
        foreach (var limited in limits.Where(l => !assigned.Contains(PolicyOf(l)))) await AddLimitPolicyAsync(limited, cancellationToken);
        if (!exports.SequenceEqual(assigned) || isFenced != mustFence)
            await AssignAsync(exports, Wire.PolicyDirection.Export, mustFence ? Wire.RouteAction.Reject : Wire.RouteAction.Accept, cancellationToken);
        foreach (var old in fences.Except(exports).ToList())
        {
            ReplacedFences++;
            await DeleteFenceAsync(old, cancellationToken);
        }
        return !import;
    }

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
            await AddExternalPeerAsync(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress), cancellationToken);
        await client.AddPeerAsync(new() { Peer = peer }, deadline: Deadline, cancellationToken: cancellationToken);
    }

    public async Task UpdatePeerAsync(Wire.Peer peer, CancellationToken cancellationToken)
    {
        if (peer.Conf.Type == Wire.PeerType.External)
            await AddExternalPeerAsync(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress), cancellationToken);
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
            await client.DeleteDefinedSetAsync(new()
            {
                DefinedSet = new()
                {
                    DefinedType = Wire.DefinedType.Neighbor,
                    Name = ExternalPeers,
                    List = { HostOf(System.Net.IPAddress.Parse(peer.Conf.NeighborAddress)) },
                },
            }, deadline: Deadline, cancellationToken: cancellationToken);
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

    private static string HostOf(System.Net.IPAddress address) =>
        $"{address}/{(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)}";

    private async Task AddExternalPeerAsync(System.Net.IPAddress address, CancellationToken cancellationToken) =>
        await AddSetAsync(new() { DefinedType = Wire.DefinedType.Neighbor, Name = ExternalPeers, List = { HostOf(address) } }, cancellationToken);

    private Task AddCommunitiesAsync(string name, string[] communities, CancellationToken cancellationToken) =>
        AddSetAsync(new() { DefinedType = Wire.DefinedType.Community, Name = name, List = { communities } }, cancellationToken);

    private async Task AddSetAsync(Wire.DefinedSet set, CancellationToken cancellationToken) =>
        await client.AddDefinedSetAsync(new() { DefinedSet = set }, deadline: Deadline, cancellationToken: cancellationToken);

    private async Task AddPolicyAsync(Wire.Policy policy, CancellationToken cancellationToken)
    {
        try
        {
            await client.AddPolicyAsync(new() { Policy = policy }, deadline: Deadline, cancellationToken: cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            // It exists already and is only not assigned (StopBgp keeps policies). If it was refused for another reason, assigning it fails.
        }
    }

    private static string PolicyOf(LimitedPeer limited) => LimitPolicy + limited.Address;

    /// <summary>The router does not get a path with its marker; all others get it without.</summary>
    private async Task AddLimitPolicyAsync(LimitedPeer limited, CancellationToken cancellationToken)
    {
        var name = PolicyOf(limited);
        await AddSetAsync(new() { DefinedType = Wire.DefinedType.Neighbor, Name = name, List = { HostOf(limited.Address) } }, cancellationToken);
        await AddSetAsync(new() { DefinedType = Wire.DefinedType.LargeCommunity, Name = name, List = { limited.Marker.ToString() } }, cancellationToken);
        await AddPolicyAsync(new()
        {
            Name = name,
            Statements =
            {
                new Wire.Statement
                {
                    Name = name + "-reject",
                    Conditions = new() { NeighborSet = new() { Name = name }, LargeCommunitySet = new() { Name = name } },
                    Actions = new() { RouteAction = Wire.RouteAction.Reject },
                },
                new Wire.Statement
                {
                    Name = name + "-strip",
                    Conditions = new() { LargeCommunitySet = new() { Name = name } },
                    Actions = new() { LargeCommunity = new() { Type = Wire.CommunityAction.Types.Type.Remove, Communities = { limited.Marker.ToString() } } },
                },
            },
        }, cancellationToken);
    }

    private async Task AddFenceAsync(FencePolicy fence, CancellationToken cancellationToken)
    {
        foreach (var set in fence.Sets) await AddSetAsync(set, cancellationToken);
        await AddPolicyAsync(fence.Policy, cancellationToken);
    }

    /// <summary>What is not assigned any more only takes memory: that the engine does not delete it is no fault.</summary>
    private async Task DeleteFenceAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeletePolicyAsync(new() { Policy = new() { Name = name }, All = true }, deadline: Deadline, cancellationToken: cancellationToken);
            foreach (var type in new[] { Wire.DefinedType.Prefix, Wire.DefinedType.Community, Wire.DefinedType.ExtCommunity, Wire.DefinedType.LargeCommunity })
            {
                using var call = client.ListDefinedSet(new() { DefinedType = type }, deadline: Deadline, cancellationToken: cancellationToken);
                var sets = new List<string>();
                await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
                    if (response.DefinedSet.Name.StartsWith(name, StringComparison.Ordinal)) sets.Add(response.DefinedSet.Name);
                foreach (var set in sets)
                    await client.DeleteDefinedSetAsync(new() { DefinedSet = new() { DefinedType = type, Name = set }, All = true }, deadline: Deadline, cancellationToken: cancellationToken);
            }
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unknown or StatusCode.InvalidArgument or StatusCode.NotFound)
        {
        }
    }

    private async Task AssignAsync(
        IEnumerable<string> policies, Wire.PolicyDirection direction, Wire.RouteAction otherwise, CancellationToken cancellationToken) =>
        await client.SetPolicyAssignmentAsync(new()
        {
            Assignment = new() { Name = GlobalTable, Direction = direction, DefaultAction = otherwise, Policies = { policies.Select(p => new Wire.Policy { Name = p }) } },
        }, deadline: Deadline, cancellationToken: cancellationToken);
}
