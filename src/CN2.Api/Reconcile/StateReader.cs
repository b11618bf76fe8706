using System.Net;
using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Api.Services;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>A vRouter and what its status row says of the agent.</summary>
public sealed record VirtualRouterState(VirtualRouter Router, bool Connected, string? ControlNode, long AppliedPosition, string? Refused = null);

/// <summary>Everything the reconciler keeps in memory, as of one place in the feed.</summary>
public sealed record StateSnapshot(
    FeedPosition Position,
    List<ExternalNetwork> ExternalNetworks,
    List<VirtualRouterState> VirtualRouters,
    List<ServiceHealthCheck> ServiceHealthChecks,
    List<VirtualMachineInterface> VirtualMachineInterfaces,
    List<Service> Services,
    List<FloatingIP> FloatingIPs,
    List<BgpPeer> BgpPeers);

/// <summary>Reads rows as the types decisions are made with. Each read takes the uids wanted, or null for all.</summary>
public sealed partial class StateReader([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, BgpOptions bgp, ILogger<StateReader> logger) : IStateReader
{
    /// <summary>A whole table may take longer than the control loop's connections wait for a statement.</summary>
    private const int SnapshotSeconds = 60;

    /// <summary>
    /// One consistent snapshot of everything. Its position is just below the oldest transaction then running: what that and later
    /// ones change comes again by the feed, which is harmless because changes say only where to look.
    /// </summary>
    public async Task<StateSnapshot> ReadAllAsync(CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        await using var snapshot = new NpgsqlCommand("SELECT pg_snapshot_xmin(pg_current_snapshot())", connection, transaction);
        var xmin = (ulong)(await snapshot.ExecuteScalarAsync(ct))!;
        return new StateSnapshot(
            new FeedPosition(xmin - 1, long.MaxValue),
            await ReadAsync(connection, ExternalNetworkSql, null, ReadExternalNetwork, ct),
            await ReadAsync(connection, VirtualRouterSql, null, ReadVirtualRouter, ct),
            await ReadAsync(connection, ServiceHealthCheckSql, null, ReadServiceHealthCheck, ct),
            await ReadAsync(connection, VirtualMachineInterfaceTable.StateSql, null, ReadVirtualMachineInterface, ct),
            await ReadAsync(connection, ServiceTable.StateSql, null, ServiceTable.ReadState, ct),
            await ReadAsync(connection, FloatingIPTable.StateSql, null, FloatingIPTable.ReadState, ct),
            await ReadAsync(connection, BgpRouterSql, null, ReadBgpPeer, ct));
    }

    /// <summary>The newest change committed by now: what is read before this call is in no later one.</summary>
    public async Task<ulong> NewestChangeAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand("SELECT xid FROM change ORDER BY xid DESC, id DESC LIMIT 1");
        return await command.ExecuteScalarAsync(ct) as ulong? ?? 0;
    }

    public Task<List<ExternalNetwork>> ExternalNetworksAsync(Guid[] uids, CancellationToken ct) => ReadAsync(ExternalNetworkSql, uids, ReadExternalNetwork, ct);

    public Task<List<VirtualRouterState>> VirtualRoutersAsync(Guid[] uids, CancellationToken ct) => ReadAsync(VirtualRouterSql, uids, ReadVirtualRouter, ct);

    public Task<List<ServiceHealthCheck>> ServiceHealthChecksAsync(Guid[] uids, CancellationToken ct) => ReadAsync(ServiceHealthCheckSql, uids, ReadServiceHealthCheck, ct);

    public Task<List<VirtualMachineInterface>> VirtualMachineInterfacesAsync(Guid[] uids, CancellationToken ct) =>
        ReadAsync(VirtualMachineInterfaceTable.StateSql, uids, ReadVirtualMachineInterface, ct);

    public Task<List<Service>> ServicesAsync(Guid[] uids, CancellationToken ct) => ReadAsync(ServiceTable.StateSql, uids, ServiceTable.ReadState, ct);

    public Task<List<FloatingIP>> FloatingIPsAsync(Guid[] uids, CancellationToken ct) => ReadAsync(FloatingIPTable.StateSql, uids, FloatingIPTable.ReadState, ct);

    public Task<List<BgpPeer>> BgpPeersAsync(CancellationToken ct) => ReadAsync(BgpRouterSql, null, ReadBgpPeer, ct);

    private async Task<List<T>> ReadAsync<T>(string sql, Guid[]? uids, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        return await ReadAsync(connection, sql, uids, read, ct, isSnapshot: false);
    }

    private async Task<List<T>> ReadAsync<T>(
        NpgsqlConnection connection, string sql, Guid[]? uids, Func<NpgsqlDataReader, T> read, CancellationToken ct, bool isSnapshot = true)
    {
        // Two texts, so that a few uids are always looked up by index.
        await using var command = new NpgsqlCommand(uids is null ? sql : sql + " WHERE t.uid = ANY($1)", connection);
        if (uids is not null) command.Parameters.Add(new() { Value = uids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.CommandTimeout = isSnapshot ? SnapshotSeconds : DatabasePools.SecondsFor(uids?.Length ?? 0);
        var items = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            try
            {
                items.Add(read(reader));
            }
            catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
            {
                // One row that cannot be read must not keep the others from being served.
                LogUnreadable(logger, typeof(T).Name, reader.GetValue(0), e.Message);
            }
        }

        return items;
    }

    private const string ExternalNetworkSql = "SELECT t.uid, t.namespace, t.name, t.number, t.fabric_forwarding, t.spec FROM external_network t";

    private ExternalNetwork ReadExternalNetwork(NpgsqlDataReader row)
    {
        var network = ToExternalNetwork(
            row.GetGuid(0), new NamespacedName(row.GetString(1), row.GetString(2)), row.GetInt32(3), row.GetBoolean(4),
            ApiJson.Read<ExternalNetworkSpec>(row.GetString(5)), bgp.AutonomousSystem);
        if (network.AdvertisementFault is { } fault) LogLeftOut(logger, $"ExternalNetwork {network.Id}", fault);
        return network;
    }

    internal static ExternalNetwork ToExternalNetwork(
        Guid uid, NamespacedName id, int number, bool fabricForwarding, ExternalNetworkSpec spec, uint autonomousSystem)
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
            ImportRouteTargets = spec.RouteTargetsWith(spec.ImportRouteTargets, autonomousSystem, number),
            ExportRouteTargets = spec.RouteTargetsWith(spec.ExportRouteTargets, autonomousSystem, number),
        };
    }

    private VirtualMachineInterface ReadVirtualMachineInterface(NpgsqlDataReader row) => new()
    {
        Uid = row.GetGuid(0),
        Id = new NamespacedName(string.Intern(row.GetString(1)), row.GetString(2)),
        Labels = LabelSet.Of(JsonSerializer.Deserialize<Dictionary<string, string>>(row.GetString(3))!, string.Intern),
        Addresses = row.GetFieldValue<IPAddress[]>(4).Where(a => IsHost(a, row, "VirtualMachineInterface")).ToEquatableList(),
        VirtualRouter = string.Intern(row.GetString(5)),
        Ready = row.GetBoolean(6),
        HealthCheck = Text(row, 7),
        Health = Enum.Parse<EndpointHealth>(row.GetString(8)),
    };

    private const string VirtualRouterSql =
        """
        SELECT t.uid, t.name, t.address, t.address6, t.admin_down, coalesce(s.lost, true), coalesce(s.connected, false), s.control_node, coalesce(s.applied_position, 0), s.refused
        FROM virtual_router t LEFT JOIN virtual_router_status s ON s.uid = t.uid
        """;

    private VirtualRouterState ReadVirtualRouter(NpgsqlDataReader row) => new(
        new VirtualRouter
        {
            Uid = row.GetGuid(0),
            Name = string.Intern(row.GetString(1)),
            Address = NodeAddress(row, 2),
            Address6 = row.IsDBNull(3) ? null : NodeAddress(row, 3),
            AdminDown = row.GetBoolean(4),
            Lost = row.GetBoolean(5),
        },
        row.GetBoolean(6), Text(row, 7), row.GetInt64(8), Text(row, 9));

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

    private static BgpPeer ReadBgpPeer(NpgsqlDataReader row) =>
        ToBgpPeer(row.GetString(0), row.GetFieldValue<IPAddress>(1), ApiJson.Read<BgpRouterSpec>(row.GetString(2)), Text(row, 3));

    internal static BgpPeer ToBgpPeer(string name, IPAddress address, BgpRouterSpec spec, string? authKey) => new(
        name, address, spec.AutonomousSystem, (ushort)spec.Port, spec.AddressFamilies.ToEquatableList(),
        spec.HoldTime, authKey, spec.MultihopTtl, spec.Passive, spec.AddPath, spec.AdminDown, spec.GracefulRestart, spec.RestartTime);

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

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of {Kind} {Id} cannot be read and is left out: {Fault}")]
    private static partial void LogUnreadable(ILogger logger, string kind, object id, string fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A stored value of {Resource} cannot be used and is left out: {Fault}")]
    private static partial void LogLeftOut(ILogger logger, string resource, string fault);
}
