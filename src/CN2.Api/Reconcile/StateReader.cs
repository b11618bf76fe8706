using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Api.Secrets;
using CN2.Api.Services;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Grants;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>A vRouter and what its status row says of the agent.</summary>
/// <param name="Applied">What of the feed the agent has applied, if it dialled another replica; null: nothing.</param>
/// <param name="Refused">The document of <see cref="RefusedItems"/>.</param>
/// <param name="Held">It has been away for too long, and so have many others: it does not become lost.</param>
public sealed record VirtualRouterState(
    VirtualRouter Router, bool Connected, string? ControlNode, FeedPosition? Applied, string? Refused = null, bool Held = false)
{
    /// <summary>The document of <see cref="NodeForwarding"/>.</summary>
    public string? Forwarding { get; init; }

    /// <summary>Its agent is away, and its node was found gone: the leader marks it as lost at once.</summary>
    public bool Vanished { get; init; }
}

/// <summary>The rows of a table that were read.</summary>
/// <param name="Items">As the types decisions are made with.</param>
/// <param name="Unreadable">Rows that stand and cannot be read: what is known of them stays as it is.</param>
public sealed record RowsRead<T>(List<T> Items, List<Guid> Unreadable);

/// <summary>Everything the reconciler keeps in memory, as of one place in the feed.</summary>
/// <param name="Position">That place.</param>
/// <param name="RecentChanges">The transactions of the newest change rows, the newest first.</param>
public sealed record StateSnapshot(
    FeedPosition Position,
    IReadOnlyList<ulong> RecentChanges,
    RowsRead<ExternalNetwork> ExternalNetworks,
    RowsRead<VirtualRouterState> VirtualRouters,
    RowsRead<ServiceHealthCheck> ServiceHealthChecks,
    RowsRead<VirtualMachineInterface> VirtualMachineInterfaces,
    RowsRead<Service> Services,
    RowsRead<FloatingIP> FloatingIPs,
    PeersRead BgpPeers);

/// <summary>All BgpRouters.</summary>
/// <param name="Peers">Those that can be read.</param>
/// <param name="Unreadable">Those whose rows stand and cannot be read (<see cref="BgpPeer.IsUnreadable"/>).</param>
public sealed record PeersRead(List<BgpPeer> Peers, List<BgpPeer> Unreadable);

/// <summary>
/// Reads rows as the types decisions are made with, in the snapshot of a <see cref="DatabaseReading"/>. Each read takes the uids wanted, or
/// null for all. A row that cannot be read is one resource, never the others': it is logged and named in the answer.
/// </summary>
internal sealed partial class StateReader(
    [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, IChangeFeedReader feed, BgpOptions bgp, ISecretProtection secrets, ILogger<StateReader> logger) : IStateReader
{
    /// <summary>A whole table may take longer than the control loop's connections wait for a statement.</summary>
    private const int SnapshotSeconds = 60;

    /// <summary>How many of the newest change rows are looked at to see what another replica must have read.</summary>
    private const int RecentCount = 1000;

    /// <summary>Only the loop reads, and one reading follows the other.</summary>
    private readonly SharedResources _shared = new();

    public async Task<IDatabaseReading> OpenAsync(CancellationToken ct) => await DatabaseReading.OpenAsync(dataSource, ct);

    /// <summary>Everything, in one snapshot. Null: a new epoch has just begun, and this snapshot is from before it.</summary>
    public async Task<StateSnapshot?> ReadAllAsync(IDatabaseReading reading, CancellationToken ct)
    {
        var connection = DatabaseReading.ConnectionOf(reading);
        if (await feed.EndAsync(reading, ct) is not { } position) return null;
        return new StateSnapshot(
            position,
            await RecentChangesAsync(connection, ct),
            await ReadAsync(connection, ExternalNetworkSql, null, ReadExternalNetwork, ct),
            await ReadAsync(connection, VirtualRouterSql, null, row => ReadVirtualRouter(row, position.Epoch), ct),
            await ReadAsync(connection, ServiceHealthCheckSql, null, ReadServiceHealthCheck, ct),
            await ReadAsync(connection, VirtualMachineInterfaceTable.StateSql, null, ReadVirtualMachineInterface, ct),
            await ReadAsync(connection, ServiceTable.StateSql, null, row => _shared.Of(ServiceTable.ReadState(row)), ct),
            await ReadAsync(connection, FloatingIPTable.StateSql, null, row => _shared.Of(FloatingIPTable.ReadState(row)), ct),
            await BgpPeersAsync(reading, ct));
    }

    public Task<RowsRead<ExternalNetwork>> ExternalNetworksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), ExternalNetworkSql, uids, ReadExternalNetwork, ct);

    /// <param name="epoch">What agents have applied counts when it was reported in this epoch.</param>
    public Task<RowsRead<VirtualRouterState>> VirtualRoutersAsync(IDatabaseReading reading, Guid[] uids, Guid epoch, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), VirtualRouterSql, uids, row => ReadVirtualRouter(row, epoch), ct);

    public async Task<IReadOnlyList<AgentsApplied>> AgentsAppliedAsync(IDatabaseReading reading, Guid epoch, CancellationToken ct)
    {
        var rows = await Sql.ReadAllAsync(
            DatabaseReading.ConnectionOf(reading), "SELECT control_node, position, behind FROM agents_applied",
            row => (ControlNode: row.GetString(0), Position: row.GetString(1), Behind: row.GetFieldValue<string[]>(2)), ct);
        var all = new List<AgentsApplied>(rows.Count);
        foreach (var (controlNode, text, behind) in rows)
            if (FeedPosition.TryParse(text, out var position) && position?.Epoch == epoch) all.Add(new AgentsApplied(controlNode, position, behind.ToHashSet()));

        return all;
    }

    public Task<RowsRead<ServiceHealthCheck>> ServiceHealthChecksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), ServiceHealthCheckSql, uids, ReadServiceHealthCheck, ct);

    public Task<RowsRead<VirtualMachineInterface>> VirtualMachineInterfacesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), VirtualMachineInterfaceTable.StateSql, uids, ReadVirtualMachineInterface, ct);

    public Task<RowsRead<Service>> ServicesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), ServiceTable.StateSql, uids, row => _shared.Of(ServiceTable.ReadState(row)), ct);

    public Task<RowsRead<FloatingIP>> FloatingIPsAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        ReadAsync(DatabaseReading.ConnectionOf(reading), FloatingIPTable.StateSql, uids, row => _shared.Of(FloatingIPTable.ReadState(row)), ct);

    public async Task<PeersRead> BgpPeersAsync(IDatabaseReading reading, CancellationToken ct)
    {
        var unreadable = new List<BgpPeer>();
        var found = await ReadAsync(
            DatabaseReading.ConnectionOf(reading), BgpRouterSql, null, ReadBgpPeer,
            row => unreadable.Add(BgpPeer.Unreadable(row.GetString(0), row.GetFieldValue<IPAddress>(1), BgpRouterSpec.LimitIn(row.GetString(2)))), ct);
        var peers = new List<BgpPeer>(found.Count);
        foreach (var peer in found)
        {
            try
            {
                // Only now: whoever reads a secret may have to ask the database for its key.
                peers.Add(peer.AuthKey is null ? peer : peer with { AuthKey = await secrets.UnprotectAsync(peer.AuthKey, ProtectedColumn.BgpAuthKey.Purpose, ct) });
            }
            catch (SecretUnreadableException e)
            {
                var because = $"The authKey of this router cannot be read, and it gets no session without it. {e.Message}";
                LogLocked(logger, peer.Name, e.Message);
                unreadable.Add(BgpPeer.Unreadable(peer.Name, peer.Address, peer.MaxAdvertised, because));
            }
        }

        return new PeersRead(peers, unreadable);
    }

    private static async Task<List<ulong>> RecentChangesAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT DISTINCT xid FROM (SELECT xid FROM change ORDER BY xid DESC, id DESC LIMIT $1) c ORDER BY xid DESC", connection);
        command.Parameters.Add(new() { Value = RecentCount });
        var xids = new List<ulong>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) xids.Add(reader.GetFieldValue<ulong>(0));
        return xids;
    }

    private async Task<RowsRead<T>> ReadAsync<T>(NpgsqlConnection connection, string sql, Guid[]? uids, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var unreadable = new List<Guid>();
        return new RowsRead<T>(await ReadAsync(connection, sql, uids, read, row => unreadable.Add(row.GetGuid(0)), ct), unreadable);
    }

    private async Task<List<T>> ReadAsync<T>(
        NpgsqlConnection connection, string sql, Guid[]? uids, Func<NpgsqlDataReader, T> read, Action<NpgsqlDataReader> unreadable, CancellationToken ct)
    {
        // Two texts, so that a few uids are always looked up by index.
        await using var command = new NpgsqlCommand(uids is null ? sql : sql + " WHERE t.uid = ANY($1)", connection);
        if (uids is not null) command.Parameters.Add(new() { Value = uids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.CommandTimeout = uids is null ? SnapshotSeconds : DatabasePools.SecondsFor(uids.Length);
        var items = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            try
            {
                items.Add(read(reader));
            }
            catch (Exception e) when (!PostgresErrors.IsAway(e))
            {
                // Whatever is wrong with one row must not keep the others from being served.
                LogUnreadable(logger, typeof(T).Name, reader.GetValue(0), e.Message);
                unreadable(reader);
            }
        }

        return items;
    }

    private const string ExternalNetworkSql =
        "SELECT t.uid, t.namespace, t.name, t.number, t.fabric_forwarding, t.spec, g.spec FROM external_network t LEFT JOIN namespace_grant g ON g.namespace = t.namespace";

    private ExternalNetwork ReadExternalNetwork(NpgsqlDataReader row)
    {
        var network = ToExternalNetwork(
            row.GetGuid(0), new NamespacedName(row.GetString(1), row.GetString(2)), row.GetInt32(3), row.GetBoolean(4),
            ApiJson.Read<ExternalNetworkSpec>(row.GetString(5)), bgp.AutonomousSystem, row.IsDBNull(6) ? null : ApiJson.Read<GrantSpec>(row.GetString(6)).Read());
        if (network.AdvertisementFault is { } fault) LogLeftOut(logger, $"ExternalNetwork {network.Id}", fault);
        return network;
    }

    internal static ExternalNetwork ToExternalNetwork(
        Guid uid, NamespacedName id, int number, bool fabricForwarding, ExternalNetworkSpec spec, uint autonomousSystem, Grant? grant = null)
    {
        var advertisement = spec.Advertisement.Read(out var fault);
        return new ExternalNetwork
        {
            Uid = uid,
            Id = id,
            Number = number,
            FabricForwarding = fabricForwarding,
            Advertisement = advertisement,
            AdvertisementFault = fault,
            AnswerPing = spec.AnswerPing,
            AutomaticRouteTarget = RouteTarget.Automatic(autonomousSystem, number),
            Subnets = spec.Subnets.Select(s => IPNetwork.Parse(s.Cidr)).ToEquatableList(),
            Grant = grant,
            ImportRouteTargets = spec.RouteTargetsWith(spec.ImportRouteTargets, autonomousSystem, number),
            ExportRouteTargets = spec.RouteTargetsWith(spec.ExportRouteTargets, autonomousSystem, number),
        };
    }

    private VirtualMachineInterface ReadVirtualMachineInterface(NpgsqlDataReader row) => _shared.Of(new VirtualMachineInterface
    {
        Uid = row.GetGuid(0),
        Id = new NamespacedName(row.GetString(1), row.GetString(2)),
        Labels = row.GetLabels(3),
        Addresses = row.GetFieldValue<IPAddress[]>(4).Where(a => IsHost(a, row, "VirtualMachineInterface")).ToEquatableList(),
        VirtualRouter = row.GetString(5),
        Ready = row.GetBoolean(6),
        HealthCheck = Text(row, 7),
        Health = Enum.Parse<EndpointHealth>(row.GetString(8)),
        HeldBack = !row.IsDBNull(9),
        Weight = row.GetInt32(10),
        HasInfrastructureAddress = row.GetBoolean(11),
    });

    private const string VirtualRouterSql =
        """
        SELECT t.uid, t.name, t.address, t.address6, t.admin_down, coalesce(s.lost, true), coalesce(s.connected, false), s.control_node, coalesce(s.applied_position, 0),
               s.applied_snapshot, s.refused, s.held_at IS NOT NULL, s.forwarding,
               coalesce(NOT s.connected AND s.vanished_at > s.last_seen_at, false)
        FROM virtual_router t LEFT JOIN virtual_router_status s ON s.uid = t.uid
        """;

    private VirtualRouterState ReadVirtualRouter(NpgsqlDataReader row, Guid epoch) => new(
        new VirtualRouter
        {
            Uid = row.GetGuid(0),
            Name = row.GetString(1),
            Address = NodeAddress(row, 2),
            Address6 = row.IsDBNull(3) ? null : NodeAddress(row, 3),
            AdminDown = row.GetBoolean(4),
            Lost = row.GetBoolean(5),
        },
        row.GetBoolean(6), Text(row, 7), Applied((ulong)row.GetInt64(8), Text(row, 9), epoch), Text(row, 10), row.GetBoolean(11))
    {
        Forwarding = Text(row, 12),
        Vanished = row.GetBoolean(13),
    };

    /// <summary>
    /// A replica writes its position as a snapshot, and beside it the transaction before which it sees all. One of the version before writes
    /// only that transaction; then a snapshot that stands beside it is an older one of somebody else.
    /// </summary>
    private static FeedPosition? Applied(ulong allUpTo, string? snapshot, Guid epoch)
    {
        if (allUpTo == 0) return null;
        if (FeedPosition.TryParse(snapshot, out var position) && position is not null && position.Seen.Xmin == allUpTo + 1) return position.Epoch == epoch ? position : null;
        return new FeedPosition(epoch, new FeedSnapshot(allUpTo + 1, []));
    }

    private const string ServiceHealthCheckSql = "SELECT t.uid, t.namespace, t.name, t.spec FROM service_health_check t";

    private ServiceHealthCheck ReadServiceHealthCheck(NpgsqlDataReader row)
    {
        var check = ToServiceHealthCheck(
            row.GetGuid(0), new NamespacedName(row.GetString(1), row.GetString(2)), ApiJson.Read<ServiceHealthCheckSpec>(row.GetString(3)), out var fault);
        if (fault is not null) LogLeftOut(logger, $"ServiceHealthCheck {check.Id}", fault);
        return check;
    }

    /// <param name="fault">Why the expected codes cannot be read and are the default; null: they can.</param>
    internal static ServiceHealthCheck ToServiceHealthCheck(Guid uid, NamespacedName id, ServiceHealthCheckSpec spec, out string? fault)
    {
        if (!ExpectedCodes.TryParse(spec.ExpectedCodes, out var codes, out fault)) codes = ExpectedCodes.Default;
        return new ServiceHealthCheck(
            uid, id, spec.MonitorType, spec.Delay, spec.Timeout, spec.MaxRetries, spec.HttpMethod, spec.UrlPath, codes, (ushort?)spec.Port);
    }

    private const string BgpRouterSql = "SELECT t.name, t.address, t.spec, t.auth_key FROM bgp_router t";

    /// <summary>With the key as it is stored.</summary>
    private static BgpPeer ReadBgpPeer(NpgsqlDataReader row) =>
        ToBgpPeer(row.GetString(0), row.GetFieldValue<IPAddress>(1), ApiJson.Read<BgpRouterSpec>(row.GetString(2)), Text(row, 3));

    internal static BgpPeer ToBgpPeer(string name, IPAddress address, BgpRouterSpec spec, string? authKey) => new(
        name, address, spec.AutonomousSystem, (ushort)spec.Port, spec.AddressFamilies.ToEquatableList(),
        spec.HoldTime, authKey, spec.MultihopTtl, spec.Passive, spec.AddPath, spec.AdminDown, spec.GracefulRestart, spec.RestartTime)
    {
        MaxAdvertised = spec.MaxAdvertised,
        LongLivedStaleTime = spec.LongLivedStaleTime,
    };

    /// <summary>Rows may be older than the rule. An address that breaks it is left out, and the owner is served without it.</summary>
    private bool IsHost(IPAddress address, NpgsqlDataReader row, string kind)
    {
        if ((kind == "VirtualMachineInterface" ? EndpointAddress.FaultOf(address) : HostAddress.FaultOf(address)) is not { } fault) return true;
        LogLeftOut(logger, $"{kind} {row.GetString(1)}{(kind == "VirtualRouter" ? "" : "/" + row.GetString(2))}", fault);
        return false;
    }

    private IPAddress? NodeAddress(NpgsqlDataReader row, int column) =>
        row.GetFieldValue<IPAddress>(column) is var address && IsHost(address, row, "VirtualRouter") ? address : null;

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    [LoggerMessage(EventId = 237, Level = LogLevel.Error, Message = "The row of {Kind} {Id} cannot be read and is left out: {Fault}")]
    private static partial void LogUnreadable(ILogger logger, string kind, object id, string fault);

    [LoggerMessage(EventId = 238, Level = LogLevel.Warning, Message = "The authKey of BgpRouter {Name} cannot be read; its session stays as the BGP engine has it: {Fault}")]
    private static partial void LogLocked(ILogger logger, string name, string fault);

    [LoggerMessage(EventId = 239, Level = LogLevel.Warning, Message = "A stored value of {Resource} cannot be used and is left out: {Fault}")]
    private static partial void LogLeftOut(ILogger logger, string resource, string fault);
}
