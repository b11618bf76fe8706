using CN2.Api.Data;
using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Grants;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Addressing;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// What requests do to ExternalNetworks; each method is one decision inside <see cref="WritePipeline"/>'s transaction. The row is EF's,
/// the pools are <see cref="SubnetTable"/>'s. Writers of networks take turns, because each locks the catalog's row first; writers that
/// allocate do not wait for them.
/// </summary>
public sealed class ExternalNetworkStore(ExternalNetworkResources resources)
{
    /// <summary>The row, locked until the transaction ends; the catalog's row is locked before it.</summary>
    public async Task<ExternalNetworkRow?> LockAsync(WriteScope scope, string ns, string name, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        return await scope.Db.ExternalNetworks.FromSql($"SELECT * FROM external_network WHERE namespace = {ns} AND name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(ct);
    }

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, string ns, ExternalNetworkRequest request, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        // Before the subnets are compared, so that a repeated POST is answered already-exists and not subnet-overlap.
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
            QuarantineSeconds = request.QuarantineSeconds ?? ExternalNetworkRow.DefaultQuarantineSeconds,
        }.CreatedAt(scope, request);
        row.Number = await FreeNumberAsync(scope, ct);
        if (row.Number == 0) return ApiProblem.InUse("Every network number (1 to 65535)", ["65535 ExternalNetworks"]);
        if (await NotGrantedAsync(scope, ns, spec, request.IsAskedByEditors, ct) is { } outside) return outside;
        if (await OverQuotaAsync(scope, ns, ct) is { } overQuota) return overQuota;
        if (await OverlapAsync(scope, row, spec, ct) is { } overlap) return overlap;
        // An object of the Kubernetes API names its Subnets itself; those of another network have names that nobody else may have.
        if (request.KnownUid is null && await TakenSubnetAsync(scope, ns, row.Name, null, spec, ct) is { } taken) return taken;
        scope.Db.ExternalNetworks.Add(row);
        scope.Changes.Added(ResourceKind.ExternalNetwork, ns, row.Name, row.Uid);
        await scope.SaveAsync(ct);
        for (var i = 0; i < spec.Subnets.Count; i++) await SubnetTable.AddAsync(scope.Connection, row.Uid, SubnetPlans.Of(spec.Subnets[i]), i, ct);
        await SubnetTable.SetScopesAsync(scope.Connection, row.Uid, ScopesOf(row, spec), ct);
        return new WriteOutcome.Created((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkRequest request, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Audit.Remember(row.Uid, row.Generation, () => ExternalNetworkResources.ToRequest(row));
        var before = ApiJson.Read<ExternalNetworkSpec>(row.Spec);
        var spec = ToSpec(request);
        var metadata = row.ChangeMetadata(request);
        var columns = (request.FabricForwarding ?? false, request.AutoAssign ?? true, request.Priority ?? 0, request.QuarantineSeconds ?? ExternalNetworkRow.DefaultQuarantineSeconds);
        if (!metadata && ApiJson.Text(before) == ApiJson.Text(spec) && (row.FabricForwarding, row.AutoAssign, row.Priority, row.QuarantineSeconds) == columns)
            return new WriteOutcome.Saved((await resources.ReadAsync(scope.Connection, [row], ct))[0]);

        if (await NotGrantedAsync(scope, row.Namespace, spec, request.IsAskedByEditors, ct) is { } outside) return outside;
        (row.FabricForwarding, row.AutoAssign, row.Priority, row.QuarantineSeconds) = columns;
        row.Spec = ApiJson.Text(spec);
        if (await OverlapAsync(scope, row, spec, ct) is { } overlap) return overlap;
        if (request.KnownUid is null && await TakenSubnetAsync(scope, row.Namespace, row.Name, before, spec, ct) is { } taken) return taken;
        scope.Touch(ResourceKind.ExternalNetwork, row);
        await scope.SaveAsync(ct);
        if (await ChangeSubnetsAsync(scope, row, before, spec, ct) is { } inUse) return inUse;
        return new WriteOutcome.Saved((await resources.ReadAsync(scope.Connection, [row], ct))[0]);
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, ExternalNetworkRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (await RefusalAsync(scope, row.Namespace, ct) is { } outside) return outside;
        var holders = await SubnetTable.HoldersOfNetworkAsync(scope.Connection, row.Uid, ct);
        if (holders.Count > 0) return ApiProblem.InUse(What(row), holders);
        var last = (await resources.ReadAsync(scope.Connection, [row], ct))[0];
        await SubnetTable.DeleteOfNetworkAsync(scope.Connection, row.Uid, ct);
        scope.Db.ExternalNetworks.Remove(row);
        scope.Changes.Deleted(ResourceKind.ExternalNetwork, last);
        return new WriteOutcome.Gone();
    }

    /// <summary>
    /// A new subnet of a network is a Subnet of the Kubernetes API as well, under a name of its own. One that was made there under this name is nobody's
    /// to take over. Null: there is none.
    /// </summary>
    /// <param name="scope">The transaction; the catalog is locked.</param>
    /// <param name="ns">Of the network.</param>
    /// <param name="network">Its name.</param>
    /// <param name="before">What it was; null: it is new.</param>
    /// <param name="after">What it shall be.</param>
    /// <param name="ct">Ends the statement.</param>
    internal static async Task<ApiProblem?> TakenSubnetAsync(WriteScope scope, string ns, string network, ExternalNetworkSpec? before, ExternalNetworkSpec after, CancellationToken ct)
    {
        var names = NamesOf(after).Except(before is null ? [] : NamesOf(before), StringComparer.Ordinal).ToList();
        return await KubernetesObjectTable.FindSubnetAloneAsync(scope.Connection, ns, names, ct) is { } taken ? ApiProblem.AlreadyExists($"Subnet {ns}/{taken}") : null;

        IEnumerable<string> NamesOf(ExternalNetworkSpec spec) => SubnetName.OfAll(network, spec.Subnets.Select(s => IPNetwork.Parse(s.Cidr).FamilyOf()));
    }

    /// <summary>
    /// The refusal of a network that the grant of its namespace does not cover; it is the same for everybody. Without a grant only operators write networks.
    /// Null: it may be written.
    /// </summary>
    /// <param name="scope">The transaction; the catalog is locked, so the grant stays as it is.</param>
    /// <param name="ns">Of the network.</param>
    /// <param name="spec">As it shall be; null: it is deleted.</param>
    /// <param name="isAskedByEditors"><see cref="ResourceRequest.IsAskedByEditors"/>.</param>
    /// <param name="ct">Ends the statement.</param>
    private static async Task<ApiProblem?> NotGrantedAsync(WriteScope scope, string ns, ExternalNetworkSpec? spec, bool isAskedByEditors, CancellationToken ct)
    {
        if (await GrantTable.FindAsync(scope.Connection, ns, ct) is not { } grant) return !scope.Rights.IsOperator ? ApiProblem.NoGrant(ns) : isAskedByEditors ? ApiProblem.NoGrantForParts(ns) : null;
        return spec is not null && GrantCoverage.Outside(spec, ApiJson.Read<GrantSpec>(grant.Spec)) is { Count: > 0 } faults ? ApiProblem.NotGranted(faults) : null;
    }

    /// <summary>
    /// The refusal of one more network than the grant has room for. The trigger on the table says the same, and has the last word, but ends a transaction that may be somebody
    /// else's: the write of a Subnet makes networks of several namespaces. Null: there is room.
    /// </summary>
    private static async Task<ApiProblem?> OverQuotaAsync(WriteScope scope, string ns, CancellationToken ct) =>
        await GrantTable.FindAsync(scope.Connection, ns, ct) is { } grant && grant.Used.ExternalNetworks + 1 > grant.Quota.ExternalNetworks
            ? ApiProblem.QuotaExceeded(ns, "externalNetworks", grant.Used.ExternalNetworks, grant.Quota.ExternalNetworks.Value, 1) : null;

    /// <summary>The refusal of a caller who may not write networks of a namespace, whatever they are. Null: it may.</summary>
    internal static Task<ApiProblem?> RefusalAsync(WriteScope scope, string ns, CancellationToken ct) => NotGrantedAsync(scope, ns, null, false, ct);

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
            Weighted = request.Advertisement?.Weighted ?? false,
        },
        AnswerPing = request.AnswerPing ?? true,
        AllowedNamespaces = request.AllowedNamespaces,
    };

    /// <summary>The order of a set has no meaning, so it is always sorted.</summary>
    private static List<string> Sorted(List<string>? items) => [.. (items ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The routing tables that the subnets of the network are part of (docs/adr/0002-the-database-is-the-referee.md).</summary>
    private static List<string> ScopesOf(ExternalNetworkRow row, ExternalNetworkSpec spec)
    {
        if (row.FabricForwarding) return ["underlay"];
        var targets = spec.RouteTargets.Concat(spec.ImportRouteTargets).Concat(spec.ExportRouteTargets).Distinct(StringComparer.Ordinal).ToList();
        return targets.Count > 0 ? targets : [$"network:{row.Uid}"];
    }

    private static async Task<ApiProblem?> OverlapAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkSpec spec, CancellationToken ct)
    {
        var cidrs = spec.Subnets.ConvertAll(s => IPNetwork.Parse(s.Cidr));
        if (await SubnetTable.FindOverlapAsync(scope.Connection, row.Uid, cidrs, ScopesOf(row, spec), ct) is { } overlap)
        {
            return ApiProblem.SubnetOverlap(
                $"{overlap.Cidr} overlaps {overlap.OtherCidr} of ExternalNetwork {overlap.OtherNetwork}, which shares {(row.FabricForwarding ? "the underlay's routing table" : "a route target")} with it.");
        }

        return row.FabricForwarding && await SubnetTable.FindInServiceNetworkAsync(scope.Connection, cidrs, ct) is { } inside
            ? ApiProblem.SubnetOverlap($"{inside.Cidr} lies in {inside.ServiceNetwork}, the service network, from which cluster IPs are given; choose another prefix, or give the server another ServiceNetwork.")
            : null;
    }

    /// <summary>The lowest number that no network has; 0 when all are taken.</summary>
    private static Task<int> FreeNumberAsync(WriteScope scope, CancellationToken ct) => scope.Db.Database.SqlQuery<int>(
        $"""
         SELECT n AS "Value" FROM generate_series(1, 65535) n WHERE NOT EXISTS (SELECT FROM external_network e WHERE e.number = n) ORDER BY n LIMIT 1
         """).FirstOrDefaultAsync(ct);

    /// <summary>Makes the pools those of the new spec; answers the problem when a FloatingIP holds an address that is taken out.</summary>
    private static async Task<ApiProblem?> ChangeSubnetsAsync(WriteScope scope, ExternalNetworkRow row, ExternalNetworkSpec before, ExternalNetworkSpec after, CancellationToken ct)
    {
        var existing = await SubnetTable.ReadAsync(scope.Connection, row.Uid, ct);
        foreach (var (id, cidr) in existing.Where(e => !after.Subnets.Exists(s => s.Cidr == e.Cidr.ToString())))
        {
            if (await SubnetTable.HoldersAsync(scope.Connection, id, ct) is { Count: > 0 } holders) return ApiProblem.InUse($"Subnet {cidr}", holders);
            await SubnetTable.DeleteAsync(scope.Connection, id, ct);
        }

        for (var position = 0; position < after.Subnets.Count; position++)
        {
            var plan = SubnetPlans.Of(after.Subnets[position]);
            var index = existing.FindIndex(e => e.Cidr.Equals(plan.Cidr));
            if (index < 0)
            {
                await SubnetTable.AddAsync(scope.Connection, row.Uid, plan, position, ct);
                continue;
            }

            var id = existing[index].Id;
            await SubnetTable.UpdateAsync(scope.Connection, id, plan, position, ct);
            var old = SubnetPlans.Of(before.Subnets.Find(s => s.Cidr == plan.Cidr.ToString())!);
            // Before the look for holders: an address that was allocated a moment ago has a holder only after this statement has waited for it.
            if (!old.Runs.Equals(plan.Runs)) await SubnetTable.SetRangesAsync(scope.Connection, id, plan, ct);
            var taken = AddressRanges.Subtract(old.Runs, plan.Runs);
            if (plan.Gateway is { } gateway && !gateway.Equals(old.Gateway)) taken.Add(new AddressRange(gateway, gateway));
            if (taken.Count > 0 && await SubnetTable.HoldersAsync(scope.Connection, id, taken, ct) is { Count: > 0 } holders)
                return ApiProblem.InUse($"What is taken out of {plan.Cidr}", holders);
        }

        await SubnetTable.SetScopesAsync(scope.Connection, row.Uid, ScopesOf(row, after), ct);
        return null;
    }
}
