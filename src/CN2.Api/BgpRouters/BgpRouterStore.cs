using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.BgpRouters;

/// <summary>Reads and writes BgpRouter rows; each write is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class BgpRouterStore(EngineListener engine, BgpRouterKeys keys)
{
    /// <summary>Makes the representations from the rows and the sessions that the control nodes reported.</summary>
    public async Task<List<BgpRouterResource>> ToResourcesAsync(CN2DbContext db, IReadOnlyList<BgpRouterRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0) return [];
        // A replica that is gone has no sessions any more, although its last report is still there.
        var nodes = await db.ControlNodes.Where(ControlNodeLiveness.IsAliveRow).OrderBy(n => n.Name).ToListAsync(cancellationToken);
        var sessions = nodes.ConvertAll(n => (n.Name, Sessions: StoredDocument.ReadOr(n.Sessions, new Dictionary<string, KeptBgpSession>())!));
        var resources = new List<BgpRouterResource>(rows.Count);
        foreach (var row in rows)
        {
            var ofRow = sessions.Where(n => n.Sessions.ContainsKey(row.Name)).Select(n => ToSession(n.Name, n.Sessions[row.Name]));
            resources.Add(ToResource(row, [.. ofRow], await keys.FaultOfAsync(row.AuthKey, cancellationToken)));
        }

        return resources;
    }

    public async Task<BgpRouterResource> ToResourceAsync(CN2DbContext db, BgpRouterRow row, CancellationToken cancellationToken) =>
        (await ToResourcesAsync(db, [row], cancellationToken))[0];

    /// <summary>The request that, as a PUT, changes nothing; without the key, because a PUT without one keeps it.</summary>
    public static BgpRouterRequest ToRequest(BgpRouterRow row)
    {
        var spec = ApiJson.Read<BgpRouterSpec>(row.Spec);
        return new BgpRouterRequest
        {
            Name = row.Name,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Address = row.Address.ToString(),
            AutonomousSystem = spec.AutonomousSystem,
            Port = spec.Port,
            AddressFamilies = [.. spec.AddressFamilies],
            HoldTime = spec.HoldTime,
            MultihopTtl = spec.MultihopTtl,
            Passive = spec.Passive,
            AddPath = spec.AddPath,
            AdminDown = spec.AdminDown,
            GracefulRestart = new GracefulRestartBody { Enabled = spec.GracefulRestart, RestartTime = spec.RestartTime, LongLivedStaleTime = spec.LongLivedStaleTime },
            MaxAdvertised = spec.MaxAdvertised,
        };
    }

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<BgpRouterRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken) =>
        scope.Db.BgpRouters.FromSql($"SELECT * FROM bgp_router WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, BgpRouterRequest request, CancellationToken cancellationToken)
    {
        if (await FindHolderAsync(scope, request, null, cancellationToken) is { } taken) return taken;
        var row = new BgpRouterRow
        {
            Name = request.Name!,
            Address = IPAddress.Parse(request.Address!),
            Spec = ApiJson.Text(request.ToSpec()),
            AuthKey = await keys.StoreAsync(scope, request.AuthKey, null, cancellationToken),
        }.CreatedAt(scope, request);
        scope.Db.BgpRouters.Add(row);
        scope.Changes.Added(ResourceKind.BgpRouter, null, row.Name, row.Uid);
        await TellOverlayNetworksAsync(scope, cancellationToken);
        return new WriteOutcome.Created(ToResource(row, [], null));
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, BgpRouterRow row, BgpRouterRequest request, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (await FindHolderAsync(scope, request, row, cancellationToken) is { } taken) return taken;
        scope.Audit.Remember(row.Uid, row.Generation, () => ToRequest(row));
        var address = IPAddress.Parse(request.Address!);
        var spec = ApiJson.Text(request.ToSpec());
        var key = await keys.StoreAsync(scope, request.AuthKey, row.AuthKey, cancellationToken);
        var changed = !row.Address.Equals(address) || row.AuthKey != key || ApiJson.Text(ApiJson.Read<BgpRouterSpec>(row.Spec)) != spec;
        if (changed)
        {
            var before = ApiJson.Read<BgpRouterSpec>(row.Spec);
            if (before.AdminDown != (request.AdminDown ?? false) || !before.AddressFamilies.SequenceEqual(request.AddressFamilies ?? BgpRouterSpec.DefaultFamilies))
                await TellOverlayNetworksAsync(scope, cancellationToken);
            if (row.AuthKey != key) scope.Audit.SecretChanged(row.Uid, "authKey");
            row.Address = address;
            row.Spec = spec;
            row.AuthKey = key;
        }

        if (row.ChangeMetadata(request) || changed) scope.Touch(ResourceKind.BgpRouter, row);
        return new WriteOutcome.Saved(await ToResourceAsync(scope.Db, row, cancellationToken));
    }

    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, BgpRouterRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Changes.Deleted(ResourceKind.BgpRouter, await ToResourceAsync(scope.Db, row, cancellationToken));
        scope.Db.BgpRouters.Remove(row);
        await TellOverlayNetworksAsync(scope, cancellationToken);
        return new WriteOutcome.Gone();
    }

    /// <summary>The conditions of overlay networks depend on the address families of BgpRouters, so watches get the networks again.</summary>
    private static async Task TellOverlayNetworksAsync(WriteScope scope, CancellationToken cancellationToken)
    {
        var networks = await scope.Db.ExternalNetworks.Where(n => !n.FabricForwarding).Select(n => new { n.Namespace, n.Name, n.Uid }).ToListAsync(cancellationToken);
        foreach (var network in networks) scope.Changes.Modified(ResourceKind.ExternalNetwork, network.Namespace, network.Name, network.Uid, statusOnly: true);
    }

    private async Task<ApiProblem?> FindHolderAsync(WriteScope scope, BgpRouterRequest request, BgpRouterRow? self, CancellationToken cancellationToken)
    {
        var address = IPAddress.Parse(request.Address!);
        // An update that leaves both as they are goes through: this control node may have got the address since.
        var port = request.Port ?? new BgpRouterSpec(0).Port;
        if (engine.IsAt(address, port) && (self is null || !address.Equals(self.Address) || ApiJson.Read<BgpRouterSpec>(self.Spec).Port != port))
            return ApiProblem.AddressInUse($"At {address}, port {port}, the BGP engine of this control node listens itself (Bgp__ListenPort, Bgp__ListenAddresses); give the address and port of the router.");
        var uid = self?.Uid ?? Guid.Empty;
        var holder = await scope.Db.BgpRouters.AsNoTracking().Where(r => r.Address == address && r.Uid != uid).Select(r => r.Name).FirstOrDefaultAsync(cancellationToken);
        if (holder is not null && holder != request.Name) return ApiProblem.AddressInUse($"{address} belongs to BgpRouter {holder}.") with { Paths = ["address"] };
        return !address.Equals(self?.Address) && await BlockedAddresses.HolderAsync(scope.Connection, [address], cancellationToken) is { } held ? ApiProblem.AddressInUse(held) : null;
    }

    private static BgpSessionStatus ToSession(string node, KeptBgpSession s) =>
        new(node, s.State, s.Since, s.Families ?? [], s.AddPath, s.Advertised, s.Received, s.Withheld, s.LastError);

    /// <param name="row">The router.</param>
    /// <param name="sessions">What the control nodes reported.</param>
    /// <param name="keyFault">Why its key cannot be read here; null: it can, or there is none.</param>
    private static BgpRouterResource ToResource(BgpRouterRow row, IReadOnlyList<BgpSessionStatus> sessions, string? keyFault) => StoredDocument.Make(
        row, () => ToResource(row, ApiJson.Read<BgpRouterSpec>(row.Spec), sessions, keyFault),
        condition => ToResource(row, new BgpRouterSpec(0, AddressFamilies: [], AddPath: false, GracefulRestart: false, RestartTime: 0), sessions, keyFault) with
        {
            Status = new BgpRouterStatus(ResourceState.Failure, sessions, [condition with { Message = $"{condition.Message} {LeftAlone(sessions)}" }]),
        });

    /// <summary>What becomes of the sessions of a router of which nothing can be read.</summary>
    private static string LeftAlone(IReadOnlyList<BgpSessionStatus> sessions) =>
        sessions.FirstOrDefault(s => s is { State: not "Established", LastError: not null }) is { } down
            ? $"{down.ControlNode}: {down.LastError}"
            : "Its sessions stay as the BGP engines have them.";

    private static BgpRouterResource ToResource(BgpRouterRow row, BgpRouterSpec spec, IReadOnlyList<BgpSessionStatus> sessions, string? keyFault)
    {
        return new BgpRouterResource
        {
            Name = row.Name,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Address = row.Address.ToString(),
            AutonomousSystem = spec.AutonomousSystem,
            Port = spec.Port,
            AddressFamilies = spec.AddressFamilies,
            HoldTime = spec.HoldTime,
            MultihopTtl = spec.MultihopTtl,
            Passive = spec.Passive,
            AddPath = spec.AddPath,
            AdminDown = spec.AdminDown,
            GracefulRestart = new GracefulRestartBody { Enabled = spec.GracefulRestart, RestartTime = spec.RestartTime, LongLivedStaleTime = spec.LongLivedStaleTime },
            MaxAdvertised = spec.MaxAdvertised,
            Status = ToStatus(row, spec, sessions, keyFault),
        };
    }

    private static BgpRouterStatus ToStatus(BgpRouterRow row, BgpRouterSpec spec, IReadOnlyList<BgpSessionStatus> sessions, string? keyFault)
    {
        var up = sessions.Count(s => s.State == "Established");
        var error = sessions.FirstOrDefault(s => s.State != "Established" && s.LastError is not null);
        var (state, status, reason, message) = (spec.AdminDown, up, error) switch
        {
            (true, _, _) => (ResourceState.Success, "False", "AdminDown", "adminDown keeps the session down; set it to false to bring it up."),
            (_, > 0, _) => (ResourceState.Success, "True", "Established", $"{up} of {sessions.Count} control nodes have a session."),
            (_, _, not null) => (ResourceState.Failure, "False", "SessionFailed", $"{error.ControlNode}: {error.LastError}"),
            _ => (ResourceState.Pending, "False", "Connecting",
                $"No session to {row.Address}:{spec.Port} is established yet; check that the router peers with the control node's address and AS{spec.AutonomousSystem} is its own."),
        };
        var since = sessions.Max(s => s.Since) ?? row.UpdatedAt;
        return new BgpRouterStatus(
            state, sessions,
            StoredDocument.Conditions(row, [new ConditionBody("Established", status, reason, message, row.Generation, since), .. LimitOf(row, spec, sessions, since), .. KeyOf(row, keyFault)]));
    }

    private static IEnumerable<ConditionBody> KeyOf(BgpRouterRow row, string? fault)
    {
        if (fault is null) yield break;
        yield return new ConditionBody(
            "AuthKey", "False", "SecretUnreadable",
            $"The authKey cannot be read. {fault} Until then a session that a BGP engine has stays as it is, and an engine that does not have it gets none.", row.Generation, row.UpdatedAt);
    }

    /// <summary>Whether the router's limit keeps prefixes from it. Every control node makes the same choice, but may know of a change a moment later.</summary>
    private static IEnumerable<ConditionBody> LimitOf(BgpRouterRow row, BgpRouterSpec spec, IReadOnlyList<BgpSessionStatus> sessions, DateTimeOffset since)
    {
        if (spec.MaxAdvertised is not { } limit || spec.AdminDown || sessions.All(s => s.State != "Established")) yield break;
        var withheld = sessions.Max(s => s.Withheld);
        yield return withheld == 0
            ? new ConditionBody("Advertised", "True", "WithinLimit", $"No prefix is kept from the router; it is sent at most {limit} (maxAdvertised).", row.Generation, since)
            : new ConditionBody(
                "Advertised", "False", "PeerLimit",
                $"{limit} of {limit + withheld} prefixes are sent (maxAdvertised), those of the oldest FloatingIPs; {withheld} are not. Raise the limit on the router and then maxAdvertised, or delete what is not needed; FloatingIPs that are left out say PeerLimit too.",
                row.Generation, since);
    }
}
