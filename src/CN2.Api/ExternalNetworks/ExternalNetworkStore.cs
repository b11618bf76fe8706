using System.Net;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Addressing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// What requests do to ExternalNetworks; each method is one decision inside <see cref="WritePipeline"/>'s transaction. Writers of
/// networks take turns (they lock the catalog's row first); those who allocate do not wait for them.
/// </summary>
public sealed class ExternalNetworkStore(ExternalNetworkResources resources)
{
    /// <summary>The row, locked until the transaction ends, after the catalog's.</summary>
    public async Task<ExternalNetworkRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct)
    {
        await ExecuteAsync(scope, "SELECT version FROM catalog FOR UPDATE", ct);
        return await scope.Db.ExternalNetworks.FromSql($"SELECT * FROM external_network WHERE namespace = {ns} AND name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(ct);
    }

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, ExternalNetworkRequest request, CancellationToken ct)
    {
        await ExecuteAsync(scope, "SELECT version FROM catalog FOR UPDATE", ct);
        // Where it would be comes before what it asks for: a POST sent twice is told that it exists, not that it overlaps itself.
        if (!await scope.Db.Namespaces.AnyAsync(n => n.Name == ns, ct)) return ApiProblem.NotFound($"Namespace {ns}");
        if (await scope.Db.ExternalNetworks.AnyAsync(n => n.Namespace == ns && n.Name == request.Name, ct)) return ApiProblem.AlreadyExists($"ExternalNetwork {ns}/{request.Name}");
        var spec = ToSpec(request);
        var row = new ExternalNetworkRow
        {
            Namespace = ns,
            Name = request.Name!,
            Spec = ApiJson.Text(spec),
            FabricForwarding = request.FabricForwarding ?? false,
            AutoAssign = request.AutoAssign ?? true,
            Priority = request.Priority ?? 0,
        }.CreatedAt(scope, request);
        if (await ScalarAsync(scope, "SELECT n FROM generate_series(1, 65535) n WHERE NOT EXISTS (SELECT FROM external_network e WHERE e.number = n) ORDER BY n LIMIT 1", ct) is not int number)
            return ApiProblem.InUse("Every network number (1 to 65535)", ["65535 ExternalNetworks"]);
        row.Number = number;
        if (await OverlapAsync(scope, row, spec, ct) is { } overlap) return overlap;
        scope.Db.ExternalNetworks.Add(row);
        scope.Changes.Added(ResourceKind.ExternalNetwork, ns, row.Name, row.Uid);
        await scope.SaveAsync(ct);
        for (var i = 0; i < spec.Subnets.Count; i++) await AddSubnetAsync(scope, row, spec, i, ct);
        return new WriteOutcome.Created((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkRequest request, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var before = ApiJson.Read<ExternalNetworkSpec>(row.Spec);
        var spec = ToSpec(request);
        var metadata = row.ChangeMetadata(request);
        var (forwarding, automatic, priority) = (request.FabricForwarding ?? false, request.AutoAssign ?? true, request.Priority ?? 0);
        if (!metadata && ApiJson.Text(before) == ApiJson.Text(spec) && (row.FabricForwarding, row.AutoAssign, row.Priority) == (forwarding, automatic, priority))
            return new WriteOutcome.Saved((await resources.ReadAsync(scope.Connection, [row], ct))[0]);

        (row.FabricForwarding, row.AutoAssign, row.Priority, row.Spec) = (forwarding, automatic, priority, ApiJson.Text(spec));
        if (await OverlapAsync(scope, row, spec, ct) is { } overlap) return overlap;
        scope.Touch(ResourceKind.ExternalNetwork, row);
        await scope.SaveAsync(ct);
        if (await ChangeSubnetsAsync(scope, row, before, spec, ct) is { } inUse) return inUse;
        return new WriteOutcome.Saved((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ExternalNetworkRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var holders = await HoldersAsync(scope, "s.external_network_uid = $1", ct, Value(row.Uid));
        if (holders.Count > 0) return ApiProblem.InUse(What(row), holders);
        var last = (await resources.ReadAsync(scope.Connection, [row], ct))[0];
        await ExecuteAsync(scope, "DELETE FROM subnet WHERE external_network_uid = $1", ct, Value(row.Uid));
        scope.Db.ExternalNetworks.Remove(row);
        scope.Changes.Deleted(ResourceKind.ExternalNetwork, last);
        return new WriteOutcome.Gone();
    }

    private static string What(ExternalNetworkRow row) => $"ExternalNetwork {row.Namespace}/{row.Name}";

    internal static ExternalNetworkSpec ToSpec(ExternalNetworkRequest request) => new()
    {
        Subnets = request.Subnets!.ConvertAll(SubnetPlans.ToSpec),
        RouteTargets = Sorted(request.RouteTargets),
        ImportRouteTargets = Sorted(request.ImportRouteTargets),
        ExportRouteTargets = Sorted(request.ExportRouteTargets),
        Advertisement = new AdvertisementSpec
        {
            LocalPreference = request.Advertisement?.LocalPreference ?? 200,
            Med = request.Advertisement?.Med ?? 100,
            Communities = request.Advertisement?.Communities ?? [],
            LargeCommunities = request.Advertisement?.LargeCommunities ?? [],
        },
    };

    /// <summary>Sets: their order means nothing, so it is always the same.</summary>
    private static List<string> Sorted(List<string>? items) => [.. (items ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The routing tables its subnets are part of.</summary>
    private static List<string> ScopesOf(ExternalNetworkRow row, ExternalNetworkSpec spec)
    {
        if (row.FabricForwarding) return ["underlay"];
        var targets = spec.RouteTargets.Concat(spec.ImportRouteTargets).Concat(spec.ExportRouteTargets).Distinct(StringComparer.Ordinal).ToList();
        return targets.Count > 0 ? targets : [$"network:{row.Uid}"];
    }

    private static async Task<ApiProblem?> OverlapAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkSpec spec, CancellationToken ct)
    {
        // The exclusion constraint is the referee; this only says with whom. The catalog's row is locked, so both see the same.
        await using var command = new NpgsqlCommand(
            """
            SELECT c::text, x.cidr::text, n.namespace || '/' || n.name FROM unnest($1) AS c
            JOIN subnet_scope x ON x.cidr && c AND x.scope = ANY($2)
            JOIN subnet s ON s.id = x.subnet_id JOIN external_network n ON n.uid = s.external_network_uid AND n.uid <> $3
            ORDER BY 3, 1 LIMIT 1
            """, scope.Connection);
        command.Parameters.Add(new NpgsqlParameter { Value = spec.Subnets.ConvertAll(s => IPNetwork.Parse(s.Cidr)), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Cidr });
        command.Parameters.Add(Value(ScopesOf(row, spec).ToArray()));
        command.Parameters.Add(Value(row.Uid));
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct)) return null;
        return ApiProblem.SubnetOverlap(
            $"{reader.GetString(0)} overlaps {reader.GetString(1)} of ExternalNetwork {reader.GetString(2)}, which shares {(row.FabricForwarding ? "the underlay's routing table" : "a route target")} with it.");
    }

    private static async Task AddSubnetAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkSpec spec, int position, CancellationToken ct)
    {
        var pool = SubnetPlans.Of(spec.Subnets[position]);
        var id = (int)(await ScalarAsync(scope, "INSERT INTO subnet (external_network_uid, cidr, gateway, position) VALUES ($1, $2, $3, $4) RETURNING id", ct,
            Value(row.Uid), Cidr(pool.Cidr), Inet(pool.Gateway), Value(position)))!;
        await SetScopesAsync(scope, id, pool.Cidr, ScopesOf(row, spec), ct);
        await SetRangesAsync(scope, id, pool, ct);
    }

    private static async Task<ApiProblem?> ChangeSubnetsAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkSpec before, ExternalNetworkSpec after, CancellationToken ct)
    {
        var existing = await scope.Db.Subnets.Where(s => s.ExternalNetworkUid == row.Uid).OrderBy(s => s.Id).ToListAsync(ct);
        var scopes = ScopesOf(row, after);
        foreach (var subnet in existing)
        {
            var position = after.Subnets.FindIndex(s => s.Cidr == subnet.Cidr.ToString());
            if (position >= 0) continue;
            var holders = await HoldersAsync(scope, "s.id = $1", ct, Value(subnet.Id));
            if (holders.Count > 0) return ApiProblem.InUse($"Subnet {subnet.Cidr}", holders);
            await ExecuteAsync(scope, "DELETE FROM subnet WHERE id = $1", ct, Value(subnet.Id));
        }

        for (var position = 0; position < after.Subnets.Count; position++)
        {
            var pool = SubnetPlans.Of(after.Subnets[position]);
            if (existing.Find(s => s.Cidr.Equals(pool.Cidr)) is not { } subnet)
            {
                await AddSubnetAsync(scope, row, after, position, ct);
                continue;
            }

            await ExecuteAsync(scope, "UPDATE subnet SET position = $2, gateway = $3 WHERE id = $1", ct, Value(subnet.Id), Value(position), Inet(pool.Gateway));
            await SetScopesAsync(scope, subnet.Id, pool.Cidr, scopes, ct);
            var old = SubnetPlans.Of(before.Subnets.Find(s => s.Cidr == pool.Cidr.ToString())!);
            // Afterwards: those who took an address out of the pool a moment ago are waited for, and then seen.
            if (!old.Runs.Equals(pool.Runs)) await SetRangesAsync(scope, subnet.Id, pool, ct);
            var taken = AddressRanges.Subtract(old.Runs, pool.Runs);
            if (pool.Gateway is { } gateway && !gateway.Equals(old.Gateway)) taken.Add(new AddressRange(gateway, gateway));
            if (taken.Count == 0) continue;
            var holders = await HoldersAsync(scope, "s.id = $1 AND EXISTS (SELECT FROM unnest($2, $3) AS t (a, b) WHERE f.address BETWEEN a AND b)", ct,
                Value(subnet.Id), Inets(taken.Select(r => r.First)), Inets(taken.Select(r => r.Last)));
            if (holders.Count > 0) return ApiProblem.InUse($"What is taken out of {pool.Cidr}", holders);
        }

        return null;
    }

    private static async Task SetScopesAsync(WriteScope scope, int subnet, IPNetwork cidr, List<string> scopes, CancellationToken ct)
    {
        await ExecuteAsync(scope, "DELETE FROM subnet_scope WHERE subnet_id = $1 AND scope <> ALL($2)", ct, Value(subnet), Value(scopes.ToArray()));
        await ExecuteAsync(scope, "INSERT INTO subnet_scope (subnet_id, scope, cidr) SELECT $1, x, $3 FROM unnest($2) AS x WHERE NOT EXISTS (SELECT FROM subnet_scope o WHERE o.subnet_id = $1 AND o.scope = x)", ct,
            Value(subnet), Value(scopes.ToArray()), Cidr(cidr));
    }

    private static Task SetRangesAsync(WriteScope scope, int subnet, SubnetPlan pool, CancellationToken ct) =>
        ExecuteAsync(scope, "SELECT cn2_set_subnet_ranges($1, $2, $3)", ct, Value(subnet), Inets(pool.Runs.Select(r => r.First)), Inets(pool.Runs.Select(r => r.Last)));

    private static async Task<List<string>> HoldersAsync(WriteScope scope, string condition, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(
            $"""
             SELECT 'FloatingIP ' || f.namespace || '/' || f.name || ' (' || host(f.address) || coalesce(', Service ' || o.namespace || '/' || o.name, '') || ')'
             FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id LEFT JOIN service o ON o.uid = f.service_uid WHERE {condition} ORDER BY f.address LIMIT 1000
             """, scope.Connection);
        command.Parameters.AddRange(parameters);
        var holders = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) holders.Add(reader.GetString(0));
        return holders;
    }

    private static async Task ExecuteAsync(WriteScope scope, string sql, CancellationToken ct, params NpgsqlParameter[] parameters) => await ScalarAsync(scope, sql, ct, parameters);

    private static async Task<object?> ScalarAsync(WriteScope scope, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, scope.Connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync(ct);
    }

    private static NpgsqlParameter<T> Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    private static NpgsqlParameter Cidr(IPNetwork network) => new() { Value = network, NpgsqlDbType = NpgsqlDbType.Cidr };

    private static NpgsqlParameter Inet(IPAddress? address) => new() { Value = (object?)address ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet };

    private static NpgsqlParameter Inets(IEnumerable<IPAddress> addresses) =>
        new() { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };
}
