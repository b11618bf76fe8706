using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Resources;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>Makes the representations of VirtualMachineInterfaces from their rows; a page costs one round trip whatever its size.</summary>
internal static class VirtualMachineInterfaceResources
{
    /// <summary>The representations, in the order of <paramref name="rows"/>.</summary>
    public static async Task<List<VirtualMachineInterfaceResource>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<VirtualMachineInterfaceRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        // Whether the VirtualRouter and the ServiceHealthCheck that a row names exist and serve, and whether its addresses are its own, is a part of its status.
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Sql.Command(
            "SELECT DISTINCT ON (address) address, kind, name FROM infrastructure_address WHERE address = ANY($1) ORDER BY address, kind, name",
            Sql.Value(rows.SelectMany(r => r.Addresses).Distinct().ToArray())));
        batch.BatchCommands.Add(Sql.Command(
            "SELECT r.name, r.admin_down, coalesce(s.lost, false) FROM virtual_router r LEFT JOIN virtual_router_status s ON s.uid = r.uid WHERE r.name = ANY($1)", Sql.Value(rows.Select(r => r.VirtualRouter).Distinct().ToArray())));
        var checkNames = rows.Where(r => r.HealthCheck is not null).Select(r => r.HealthCheck!).Distinct().ToArray();
        if (checkNames.Length > 0) batch.BatchCommands.Add(Sql.Command("SELECT namespace, name FROM service_health_check WHERE name = ANY($1)", Sql.Value(checkNames)));
        var routers = new Dictionary<string, VirtualRouterServes>(StringComparer.Ordinal);
        var checks = new HashSet<(string, string)>();
        var infrastructure = new Dictionary<IPAddress, string>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) infrastructure.Add(reader.GetFieldValue<IPAddress>(0), BlockedAddresses.Whose(reader.GetString(1), reader.GetString(2)));
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct)) routers.Add(reader.GetString(0), reader.GetBoolean(1) ? VirtualRouterServes.AdminDown : reader.GetBoolean(2) ? VirtualRouterServes.Lost : VirtualRouterServes.Yes);
        if (await reader.NextResultAsync(ct))
            while (await reader.ReadAsync(ct)) checks.Add((reader.GetString(0), reader.GetString(1)));
        return [.. rows.Select(r => Make(
            r, routers.GetValueOrDefault(r.VirtualRouter), r.HealthCheck is null || checks.Contains((r.Namespace, r.HealthCheck)),
            r.Addresses.Where(infrastructure.ContainsKey).Select(a => $"{a} is {infrastructure[a]}, so the endpoint gets no traffic; give it another address.").FirstOrDefault()))];
    }

    /// <summary>The same on a context's connection.</summary>
    public static async Task<IReadOnlyList<VirtualMachineInterfaceResource>> ReadAsync(CN2DbContext db, IReadOnlyList<VirtualMachineInterfaceRow> rows, CancellationToken ct) =>
        await ReadAsync(await db.OpenSqlAsync(ct), rows, ct);

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static VirtualMachineInterfaceRequest ToRequest(VirtualMachineInterfaceRow row) => new()
    {
        Name = row.Name,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Addresses = [.. row.Addresses.Select(a => a.ToString())],
        VirtualRouter = row.VirtualRouter,
        Ready = row.Ready,
        Weight = row.Weight,
        HealthCheck = row.HealthCheck,
    };

    private static VirtualMachineInterfaceResource Make(VirtualMachineInterfaceRow row, VirtualRouterServes router, bool checkExists, string? notItsOwn) => new()
    {
        Name = row.Name,
        Namespace = row.Namespace,
        Uid = row.Uid,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Generation = row.Generation,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        Addresses = [.. row.Addresses.Select(a => a.ToString())],
        VirtualRouter = row.VirtualRouter,
        Ready = row.Ready,
        Weight = row.Weight,
        HealthCheck = row.HealthCheck,
        Status = MakeStatus(row, router, checkExists, notItsOwn),
    };

    private static VirtualMachineInterfaceStatus MakeStatus(VirtualMachineInterfaceRow row, VirtualRouterServes router, bool checkExists, string? notItsOwn)
    {
        var health = Enum.TryParse<EndpointHealth>(row.Health, out var stored) ? stored : EndpointHealth.Unknown;
        var noRouter = $"VirtualRouter {row.VirtualRouter} does not exist; start its agent or name another.";
        var noCheck = $"ServiceHealthCheck {row.Namespace}/{row.HealthCheck} does not exist; create it or name another.";
        var (state, ready, reason, message) = (router, checkExists) switch
        {
            _ when notItsOwn is not null => (ResourceState.Failure, "False", ConditionReason.InfrastructureAddress, notItsOwn),
            (VirtualRouterServes.Missing, _) => (ResourceState.Pending, "False", "VirtualRouterNotFound", checkExists ? noRouter : $"{noRouter} {noCheck}"),
            (_, false) => (ResourceState.Pending, "False", "HealthCheckNotFound", noCheck),
            _ when !row.Ready => (ResourceState.Success, "False", "Draining", "ready is false: established flows go on, no new ones."),
            (VirtualRouterServes.Lost, _) => (ResourceState.Failure, "False", ConditionReason.VirtualRoutersDown,
                $"VirtualRouter {row.VirtualRouter} is Lost, so the endpoint gets no new flows; start its agent, or mend the network to it."),
            _ when row.HealthCheck is null => (ResourceState.Success, "True", "Ready", "It takes new flows."),
            _ when health == EndpointHealth.Healthy && row.HealthHeldUntil is { } until => (ResourceState.Failure, "False", ConditionReason.Flapping,
                $"Its health check succeeds, but it has gone down {row.HealthDowns} times, each within {FlapDamping.Memory.TotalMinutes} minutes of the time before. "
                + $"It takes new flows when it stays up until {until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}; make the endpoint or its health check steadier, or set healthCheck to null to use it at once."),
            _ => health switch
            {
                EndpointHealth.Healthy => (ResourceState.Success, "True", "Healthy", "Its health check succeeds; it takes new flows."),
                EndpointHealth.Unhealthy => (ResourceState.Failure, "False", "Unhealthy", $"Its health check fails: {row.HealthMessage ?? "no answer"}."),
                _ => (ResourceState.Pending, "False", "HealthUnknown", "Its health check has not answered yet; it is out until the first success."),
            },
        };
        if (router == VirtualRouterServes.AdminDown) message += $" VirtualRouter {row.VirtualRouter} is in maintenance, so no route leads to it; set its adminDown to false.";
        return new VirtualMachineInterfaceStatus(
            state, health, row.HealthMessage, row.HealthChangedAt, row.HealthHeldUntil,
            StoredDocument.Conditions(row, [new ConditionBody("Ready", ready, reason, message, row.Generation, row.Ready && row.HealthChangedAt is { } changed ? changed : row.UpdatedAt)]));
    }
}
