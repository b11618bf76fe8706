using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.VirtualMachineInterfaces;

/// <summary>What requests do to VirtualMachineInterfaces; each method is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class VirtualMachineInterfaceStore
{
    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<VirtualMachineInterfaceRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct) =>
        VirtualMachineInterfaceTable.FindAsync(scope.Connection, ns, name, forUpdate: true, ct);

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, VirtualMachineInterfaceRequest request, CancellationToken ct)
    {
        var row = Make(scope, ns, request);
        return await WriteAsync(scope, [row], [], [row], ct) is { } taken ? taken : new WriteOutcome.Created((await ReadAsync(scope, [row], ct))[0]);
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, VirtualMachineInterfaceRow row, VirtualMachineInterfaceRequest request, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (Change(scope, row, request, out var moved) && await WriteAsync(scope, [], [row], moved ? [row] : [], ct) is { } taken) return taken;
        return new WriteOutcome.Saved((await ReadAsync(scope, [row], ct))[0]);
    }

    /// <summary>Creates or replaces all of them, or none.</summary>
    public async Task<WriteOutcome> BatchAsync(WriteScope scope, string ns, IReadOnlyList<VirtualMachineInterfaceRequest> requests, CancellationToken ct)
    {
        // In the order of names, so that two batches that overlap wait for each other instead of a deadlock.
        var known = (await VirtualMachineInterfaceTable.ReadAsync(scope.Connection, "namespace = $1 AND name = ANY ($2) ORDER BY name FOR UPDATE", ct,
            Sql.Value(ns), Sql.Value(requests.Select(r => r.Name!).ToArray()))).ToDictionary(r => r.Name, StringComparer.Ordinal);
        var rows = new List<VirtualMachineInterfaceRow>(requests.Count);
        var (added, changed, moved) = (new List<VirtualMachineInterfaceRow>(), new List<VirtualMachineInterfaceRow>(), new List<VirtualMachineInterfaceRow>());
        foreach (var request in requests)
        {
            var isMoved = true;
            if (!known.TryGetValue(request.Name!, out var row)) added.Add(row = Make(scope, ns, request));
            else if (Change(scope, row, request, out isMoved)) changed.Add(row);
            if (isMoved) moved.Add(row);
            rows.Add(row);
        }

        if (await WriteAsync(scope, added, changed, moved, ct) is { } taken) return taken;
        var written = await ReadAsync(scope, rows, ct);
        return new WriteOutcome.Done(new VirtualMachineInterfaceBatch(written), written);
    }

    /// <summary>Always possible; its NAT entries are removed, and with the last local endpoint the route.</summary>
    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, VirtualMachineInterfaceRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Changes.Deleted(ResourceKind.VirtualMachineInterface, (await ReadAsync(scope, [row], ct))[0]);
        await scope.ExecuteAsync([VirtualMachineInterfaceTable.Delete(row.Uid)], ct);
        return new WriteOutcome.Gone();
    }

    private static Task<List<VirtualMachineInterfaceResource>> ReadAsync(WriteScope scope, IReadOnlyList<VirtualMachineInterfaceRow> rows, CancellationToken ct) =>
        VirtualMachineInterfaceResources.ReadAsync(scope.Connection, rows, ct);

    private static VirtualMachineInterfaceRow Make(WriteScope scope, string ns, VirtualMachineInterfaceRequest request)
    {
        var row = new VirtualMachineInterfaceRow
        {
            Namespace = ns,
            Name = request.Name!,
            VirtualRouter = request.VirtualRouter!,
            Addresses = [.. request.Addresses!.Select(IPAddress.Parse)],
            Ready = request.Ready ?? true,
            Weight = request.Weight ?? VirtualMachineInterface.LowestWeight,
            HealthCheck = request.HealthCheck,
        }.CreatedAt(scope, request);
        scope.Changes.Added(ResourceKind.VirtualMachineInterface, ns, row.Name, row.Uid);
        return row;
    }

    /// <summary>Takes over what differs; true when something did. <paramref name="moved"/>: its addresses or its vRouter differ.</summary>
    private static bool Change(WriteScope scope, VirtualMachineInterfaceRow row, VirtualMachineInterfaceRequest request, out bool moved)
    {
        scope.Audit.Remember(row.Uid, row.Generation, () => VirtualMachineInterfaceResources.ToRequest(row));
        var addresses = request.Addresses!.ConvertAll(IPAddress.Parse);
        var (ready, weight) = (request.Ready ?? true, request.Weight ?? VirtualMachineInterface.LowestWeight);
        var changed = row.ChangeMetadata(request);
        moved = row.VirtualRouter != request.VirtualRouter || !row.Addresses.SequenceEqual(addresses);
        if (row.HealthCheck != request.HealthCheck)
        {
            row.HealthCheck = request.HealthCheck;
            // The new check has no result yet, so the endpoint takes no new flows until its first success.
            (row.Health, row.HealthMessage, row.HealthChangedAt, row.HealthHeldUntil) = (nameof(EndpointHealth.Unknown), null, null, null);
            changed = true;
        }

        if (!changed && !moved && (row.Ready, row.Weight) == (ready, weight)) return false;
        (row.VirtualRouter, row.Addresses, row.Ready, row.Weight) = (request.VirtualRouter!, [.. addresses], ready, weight);
        scope.Touch(ResourceKind.VirtualMachineInterface, row);
        return true;
    }

    /// <summary>Writes rows, their addresses and the changes in one round trip; answers the problem when an address is taken.</summary>
    private static async Task<ApiProblem?> WriteAsync(
        WriteScope scope, List<VirtualMachineInterfaceRow> added, List<VirtualMachineInterfaceRow> changed, List<VirtualMachineInterfaceRow> moved, CancellationToken ct)
    {
        if (added.Count + changed.Count == 0) return null;
        await using var batch = new NpgsqlBatch(scope.Connection);
        if (added.Count > 0) batch.BatchCommands.Add(VirtualMachineInterfaceTable.Insert(added, scope.Now));
        if (changed.Count > 0) batch.BatchCommands.Add(VirtualMachineInterfaceTable.Update(changed, scope.Now));
        scope.Changes.AddTo(batch);
        if (moved.Count > 0)
        {
            batch.BatchCommands.Add(VirtualMachineInterfaceTable.RemoveAddresses(moved));
            batch.BatchCommands.Add(VirtualMachineInterfaceTable.AddAddresses(moved));
        }

        string router;
        IPAddress address;
        Guid uid;
        await using (var reader = await batch.ExecuteReaderAsync(ct))
        {
            // Only the last statement answers rows, and only when an address is taken.
            if (!await reader.ReadAsync(ct)) return null;
            (router, address, uid) = (reader.GetString(0), reader.GetFieldValue<IPAddress>(1), reader.GetGuid(2));
        }

        var holder = (await VirtualMachineInterfaceTable.ReadAsync(scope.Connection, "virtual_router = $1 AND uid <> $2 AND $3 = ANY (addresses) ORDER BY namespace, name LIMIT 1", ct,
            Sql.Value(router), Sql.Value(uid), Sql.Value(address))).SingleOrDefault();
        return ApiProblem.AddressInUse(
            $"{address} on VirtualRouter {router} is used by VirtualMachineInterface {(holder is null ? "of another request" : $"{holder.Namespace}/{holder.Name}")}.") with
        { Paths = ["addresses"] };
    }
}
