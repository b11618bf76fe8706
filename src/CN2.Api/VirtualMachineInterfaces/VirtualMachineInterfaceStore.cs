using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Resources;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>
/// Reads and writes VirtualMachineInterface rows; each write is one decision inside <see cref="WritePipeline"/>'s transaction. Table
/// interface_address holds each address once a vRouter: the referee of "the same address twice".
/// </summary>
public sealed class VirtualMachineInterfaceStore
{
    /// <summary>Puts rows and whether what they refer to exists together.</summary>
    public async Task<List<VirtualMachineInterfaceResource>> ToResourcesAsync(
        CN2DbContext db, IReadOnlyList<VirtualMachineInterfaceRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0) return [];
        var routerNames = rows.Select(r => r.VirtualRouter).Distinct().ToList();
        var routers = (await db.VirtualRouters.Where(r => routerNames.Contains(r.Name)).Select(r => r.Name).ToListAsync(cancellationToken)).ToHashSet();
        var checkNames = rows.Where(r => r.HealthCheck is not null).Select(r => r.HealthCheck!).Distinct().ToList();
        var checks = checkNames.Count == 0
            ? []
            : (await db.ServiceHealthChecks.Where(h => checkNames.Contains(h.Name)).Select(h => new { h.Namespace, h.Name }).ToListAsync(cancellationToken))
                .Select(h => (h.Namespace, h.Name)).ToHashSet();
        return [.. rows.Select(r => ToResource(r, routers.Contains(r.VirtualRouter), r.HealthCheck is null || checks.Contains((r.Namespace, r.HealthCheck))))];
    }

    public async Task<VirtualMachineInterfaceResource> ToResourceAsync(CN2DbContext db, VirtualMachineInterfaceRow row, CancellationToken cancellationToken) =>
        (await ToResourcesAsync(db, [row], cancellationToken))[0];

    /// <summary>What a PUT would have to say to change nothing.</summary>
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

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<VirtualMachineInterfaceRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken cancellationToken) =>
        scope.Db.VirtualMachineInterfaces.FromSql($"SELECT * FROM virtual_machine_interface WHERE namespace = {ns} AND name = {name} FOR UPDATE")
            .AsTracking().SingleOrDefaultAsync(cancellationToken);

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, VirtualMachineInterfaceRequest request, CancellationToken cancellationToken)
    {
        var row = Add(scope, ns, request);
        if (await SaveAddressesAsync(scope, [row], cancellationToken) is { } taken) return taken;
        return new WriteOutcome.Created(await ToResourceAsync(scope.Db, row, cancellationToken));
    }

    public async Task<WriteOutcome> ReplaceAsync(
        WriteScope scope, VirtualMachineInterfaceRow row, VirtualMachineInterfaceRequest request, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (Change(scope, row, request) && await SaveAddressesAsync(scope, [row], cancellationToken) is { } taken) return taken;
        return new WriteOutcome.Saved(await ToResourceAsync(scope.Db, row, cancellationToken));
    }

    /// <summary>Creates or replaces all of them, or none.</summary>
    public async Task<WriteOutcome> BatchAsync(WriteScope scope, string ns, IReadOnlyList<VirtualMachineInterfaceRequest> requests, CancellationToken cancellationToken)
    {
        var names = requests.Select(r => r.Name!).ToArray();
        // In the order of names: two batches that overlap wait for each other instead of locking each other out.
        var known = await scope.Db.VirtualMachineInterfaces
            .FromSql($"SELECT * FROM virtual_machine_interface WHERE namespace = {ns} AND name = ANY ({names}) ORDER BY name FOR UPDATE")
            .AsTracking().ToDictionaryAsync(r => r.Name, cancellationToken);
        var rows = new List<VirtualMachineInterfaceRow>(requests.Count);
        var moved = new List<VirtualMachineInterfaceRow>();
        foreach (var request in requests)
        {
            if (!known.TryGetValue(request.Name!, out var row)) moved.Add(row = Add(scope, ns, request));
            else if (Change(scope, row, request)) moved.Add(row);
            rows.Add(row);
        }

        if (await SaveAddressesAsync(scope, moved, cancellationToken) is { } taken) return taken;
        return new WriteOutcome.Done(new VirtualMachineInterfaceBatch(await ToResourcesAsync(scope.Db, rows, cancellationToken)));
    }

    /// <summary>Always possible; its entries go, and with the last local endpoint the route.</summary>
    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, VirtualMachineInterfaceRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Changes.Deleted(ResourceKind.VirtualMachineInterface, await ToResourceAsync(scope.Db, row, cancellationToken));
        scope.Db.VirtualMachineInterfaces.Remove(row);
        return new WriteOutcome.Gone();
    }

    private static VirtualMachineInterfaceRow Add(WriteScope scope, string ns, VirtualMachineInterfaceRequest request)
    {
        var row = new VirtualMachineInterfaceRow
        {
            Namespace = ns,
            Name = request.Name!,
            VirtualRouter = request.VirtualRouter!,
            Addresses = [.. request.Addresses!.Select(IPAddress.Parse)],
            Ready = request.Ready ?? true,
            HealthCheck = request.HealthCheck,
        }.CreatedAt(scope, request);
        scope.Db.VirtualMachineInterfaces.Add(row);
        scope.Changes.Added(ResourceKind.VirtualMachineInterface, ns, row.Name, row.Uid);
        return row;
    }

    /// <summary>Takes over what differs; true when its addresses or its vRouter did.</summary>
    private static bool Change(WriteScope scope, VirtualMachineInterfaceRow row, VirtualMachineInterfaceRequest request)
    {
        var addresses = request.Addresses!.ConvertAll(IPAddress.Parse);
        var ready = request.Ready ?? true;
        var changed = row.ChangeMetadata(request);
        var moved = row.VirtualRouter != request.VirtualRouter || !row.Addresses.SequenceEqual(addresses);
        if (row.HealthCheck != request.HealthCheck)
        {
            row.HealthCheck = request.HealthCheck;
            // Another check knows nothing yet: out until its first success.
            (row.Health, row.HealthMessage, row.HealthChangedAt) = (nameof(EndpointHealth.Unknown), null, null);
            changed = true;
        }

        if (moved)
        {
            row.VirtualRouter = request.VirtualRouter!;
            row.Addresses = [.. addresses];
        }

        if (!changed && !moved && row.Ready == ready) return false;
        row.Ready = ready;
        scope.Touch(ResourceKind.VirtualMachineInterface, row);
        return moved;
    }

    /// <summary>Writes the rows and gives each of their addresses its row in interface_address; the problem when one is taken.</summary>
    private static async Task<ApiProblem?> SaveAddressesAsync(WriteScope scope, List<VirtualMachineInterfaceRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0) return null;
        await scope.Db.SaveChangesAsync(cancellationToken);
        var addresses = rows.SelectMany(r => r.Addresses.Select(a => (r.VirtualRouter, Address: a, r.Uid))).ToList();

        // A statement that changes data does not see its own deletions: two statements, one round trip.
        await using var batch = new NpgsqlBatch(scope.Connection, scope.Transaction)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("DELETE FROM interface_address WHERE interface_uid = ANY ($1)")
                {
                    Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(r => r.Uid)] } },
                },
                new NpgsqlBatchCommand(
                    """
                    WITH wanted AS (SELECT r, a, u FROM unnest($1, $2, $3) AS t (r, a, u)),
                    given AS (INSERT INTO interface_address (virtual_router, address, interface_uid) SELECT r, a, u FROM wanted ORDER BY r, a
                              ON CONFLICT ON CONSTRAINT interface_address_once DO NOTHING RETURNING virtual_router, address)
                    SELECT w.r, host(w.a), w.u FROM wanted w WHERE (SELECT count(*) FROM given) < (SELECT count(*) FROM wanted)
                        AND NOT EXISTS (SELECT FROM given g WHERE g.virtual_router = w.r AND g.address = w.a)
                    UNION ALL
                    SELECT w.r, host(w.a), w.u FROM wanted w WHERE (SELECT count(*) FROM given) < (SELECT count(*) FROM wanted)
                        AND EXISTS (SELECT FROM wanted o WHERE o.r = w.r AND o.a = w.a AND o.u <> w.u)
                    LIMIT 1
                    """)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string[]> { TypedValue = [.. addresses.Select(a => a.VirtualRouter)] },
                        new NpgsqlParameter { Value = addresses.Select(a => a.Address).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet },
                        new NpgsqlParameter<Guid[]> { TypedValue = [.. addresses.Select(a => a.Uid)] },
                    },
                },
            },
        };
        string router, address;
        Guid uid;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken)) return null;
            (router, address, uid) = (reader.GetString(0), reader.GetString(1), reader.GetGuid(2));
        }

        var taken = IPAddress.Parse(address);
        var holder = await scope.Db.VirtualMachineInterfaces.AsNoTracking().Where(v => v.VirtualRouter == router && v.Uid != uid && v.Addresses.Contains(taken))
            .Select(v => v.Namespace + "/" + v.Name).FirstOrDefaultAsync(cancellationToken);
        return ApiProblem.AddressInUse($"{address} on VirtualRouter {router} is used by VirtualMachineInterface {holder ?? "of another request"}.");
    }

    private static VirtualMachineInterfaceResource ToResource(VirtualMachineInterfaceRow row, bool routerExists, bool checkExists) => new()
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
        Status = ToStatus(row, routerExists, checkExists),
    };

    private static VirtualMachineInterfaceStatus ToStatus(VirtualMachineInterfaceRow row, bool routerExists, bool checkExists)
    {
        var health = Enum.Parse<EndpointHealth>(row.Health);
        var noRouter = $"VirtualRouter {row.VirtualRouter} does not exist; start its agent or name another.";
        var noCheck = $"ServiceHealthCheck {row.Namespace}/{row.HealthCheck} does not exist; create it or name another.";
        var (state, ready, reason, message) = (routerExists, checkExists) switch
        {
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
            [new ConditionBody("Ready", ready, reason, message, row.Generation, row.HealthChangedAt ?? row.UpdatedAt)]);
    }
}
