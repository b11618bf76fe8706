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
        // Whether the VirtualRouter and the ServiceHealthCheck that a row names exist, and whether its addresses are its own, is a part of its status.
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Sql.Command(
            "SELECT DISTINCT ON (address) address, kind, name FROM infrastructure_address WHERE address = ANY($1) ORDER BY address, kind, name",
            Sql.Value(rows.SelectMany(r => r.Addresses).Distinct().ToArray())));
        batch.BatchCommands.Add(Sql.Command("SELECT name FROM virtual_router WHERE name = ANY($1)", Sql.Value(rows.Select(r => r.VirtualRouter).Distinct().ToArray())));
        var checkNames = rows.Where(r => r.HealthCheck is not null).Select(r => r.HealthCheck!).Distinct().ToArray();
        if (checkNames.Length > 0) batch.BatchCommands.Add(Sql.Command("SELECT namespace, name FROM service_health_check WHERE name = ANY($1)", Sql.Value(checkNames)));
        var routers = new HashSet<string>(StringComparer.Ordinal);
        var checks = new HashSet<(string, string)>();
        var infrastructure = new Dictionary<IPAddress, string>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) infrastructure.Add(reader.GetFieldValue<IPAddress>(0), BlockedAddresses.Whose(reader.GetString(1), reader.GetString(2)));
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct)) routers.Add(reader.GetString(0));
        if (await reader.NextResultAsync(ct))
            while (await reader.ReadAsync(ct)) checks.Add((reader.GetString(0), reader.GetString(1)));
        return [.. rows.Select(r => Make(
            r, routers.Contains(r.VirtualRouter), r.HealthCheck is null || checks.Contains((r.Namespace, r.HealthCheck)),
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
        HealthCheck = row.HealthCheck,
    };

    private static VirtualMachineInterfaceResource Make(VirtualMachineInterfaceRow row, bool routerExists, bool checkExists, string? notItsOwn) => new()
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
        HealthCheck = row.HealthCheck,
        Status = MakeStatus(row, routerExists, checkExists, notItsOwn),
    };

    private static VirtualMachineInterfaceStatus MakeStatus(VirtualMachineInterfaceRow row, bool routerExists, bool checkExists, string? notItsOwn)
    {
        var health = Enum.TryParse<EndpointHealth>(row.Health, out var stored) ? stored : EndpointHealth.Unknown;
        var noRouter = $"VirtualRouter {row.VirtualRouter} does not exist; start its agent or name another.";
        var noCheck = $"ServiceHealthCheck {row.Namespace}/{row.HealthCheck} does not exist; create it or name another.";
        var (state, ready, reason, message) = (routerExists, checkExists) switch
        {
            _ when notItsOwn is not null => (ResourceState.Failure, "False", ConditionReason.InfrastructureAddress, notItsOwn),
            (false, _) => (ResourceState.Pending, "False", "VirtualRouterNotFound", checkExists ? noRouter : $"{noRouter} {noCheck}"),
            (_, false) => (ResourceState.Pending, "False", "HealthCheckNotFound", noCheck),
            _ when !row.Ready => (ResourceState.Success, "False", "Draining", "ready is false: established flows go on, no new ones."),
            _ when row.HealthCheck is null => (ResourceState.Success, "True", "Ready", "It takes new flows."),
            _ => health switch
            {
                EndpointHealth.Healthy => (ResourceState.Success, "True", "Healthy", "Its health check succeeds; it takes new flows."),
                EndpointHealth.Unhealthy => (ResourceState.Failure, "False", "Unhealthy", $"Its health check fails: {row.HealthMessage ?? "no answer"}."),
                _ => (ResourceState.Pending, "False", "HealthUnknown", "Its health check has not answered yet; it is out until the first success."),
            },
        };
        return new VirtualMachineInterfaceStatus(
            state, health, row.HealthMessage, row.HealthChangedAt,
            StoredDocument.Conditions(row, [new ConditionBody("Ready", ready, reason, message, row.Generation, row.HealthChangedAt ?? row.UpdatedAt)]));
    }
}
