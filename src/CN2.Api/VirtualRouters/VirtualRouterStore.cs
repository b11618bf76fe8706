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

namespace CN2.Api.VirtualRouters;

/// <summary>Reads and writes VirtualRouter rows; each write is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class VirtualRouterStore
{
    /// <summary>Makes the representations from the rows and the status rows of their agents.</summary>
    public async Task<List<VirtualRouterResource>> ToResourcesAsync(CN2DbContext db, IReadOnlyList<VirtualRouterRow> rows, CancellationToken cancellationToken)
    {
        var uids = rows.Select(r => r.Uid).ToList();
        var statuses = await (
            from s in db.VirtualRouterStatuses.AsNoTracking()
            where uids.Contains(s.Uid)
            join c in db.ControlNodes on s.ControlNode equals c.Name into nodes
            from c in nodes.DefaultIfEmpty()
            select new { Row = s, ControlNodeSeenAt = (DateTimeOffset?)c.LastSeenAt }).ToDictionaryAsync(s => s.Row.Uid, cancellationToken);
        var intruders = (await db.VirtualRouterIntruders.AsNoTracking().Where(i => uids.Contains(i.Uid)).ToListAsync(cancellationToken)).ToLookup(i => i.Uid);
        return [.. rows.Select(r =>
        {
            var status = statuses.GetValueOrDefault(r.Uid);
            return ToResource(r, status?.Row, status?.Row.LastHeard(status.ControlNodeSeenAt), intruders[r.Uid]);
        })];
    }

    public async Task<VirtualRouterResource> ToResourceAsync(CN2DbContext db, VirtualRouterRow row, CancellationToken cancellationToken) =>
        (await ToResourcesAsync(db, [row], cancellationToken))[0];

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static VirtualRouterRequest ToRequest(VirtualRouterRow row) => new()
    {
        Name = row.Name,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Address = row.Address.ToString(),
        Address6 = row.Address6?.ToString(),
        AdminDown = row.AdminDown,
    };

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<VirtualRouterRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken) =>
        scope.Db.VirtualRouters.FromSql($"SELECT * FROM virtual_router WHERE name = {name} FOR UPDATE").AsTracking().SingleOrDefaultAsync(cancellationToken);

    public async Task<WriteOutcome> CreateAsync(WriteScope scope, VirtualRouterRequest request, CancellationToken cancellationToken)
    {
        if (await FindHolderAsync(scope, request, null, cancellationToken) is { } taken) return taken;
        var row = new VirtualRouterRow { Name = request.Name!, Address = IPAddress.Parse(request.Address!) }.CreatedAt(scope, request);
        Apply(row, request);
        scope.Db.VirtualRouters.Add(row);
        scope.Changes.Added(ResourceKind.VirtualRouter, null, row.Name, row.Uid);
        return new WriteOutcome.Created(ToResource(row, null, null, []));
    }

    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, VirtualRouterRow row, VirtualRouterRequest request, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (await FindHolderAsync(scope, request, row, cancellationToken) is { } taken) return taken;
        scope.Audit.Remember(row.Uid, row.Generation, () => ToRequest(row));
        if (row.ChangeMetadata(request) | Apply(row, request)) scope.Touch(ResourceKind.VirtualRouter, row);
        return new WriteOutcome.Saved(await ToResourceAsync(scope.Db, row, cancellationToken));
    }

    /// <summary>Always possible; its routes and NAT entries are removed. An agent that is still running creates the VirtualRouter again when it connects.</summary>
    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, VirtualRouterRow row, CancellationToken cancellationToken)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        var last = await ToResourceAsync(scope.Db, row, cancellationToken);
        scope.Db.VirtualRouters.Remove(row);
        scope.Changes.Deleted(ResourceKind.VirtualRouter, last);
        return new WriteOutcome.Gone();
    }

    private static bool Apply(VirtualRouterRow row, VirtualRouterRequest request)
    {
        var address = IPAddress.Parse(request.Address!);
        var address6 = request.Address6 is null ? null : IPAddress.Parse(request.Address6);
        var adminDown = request.AdminDown ?? false;
        if (row.Address.Equals(address) && Equals(row.Address6, address6) && row.AdminDown == adminDown) return false;
        row.Address = address;
        row.Address6 = address6;
        row.AdminDown = adminDown;
        return true;
    }

    private static async Task<ApiProblem?> FindHolderAsync(WriteScope scope, VirtualRouterRequest request, VirtualRouterRow? self, CancellationToken cancellationToken)
    {
        var address = IPAddress.Parse(request.Address!);
        var address6 = request.Address6 is null ? null : IPAddress.Parse(request.Address6);
        IPAddress[] asked = [.. new[] { address, address6 }.OfType<IPAddress>()];
        var uid = self?.Uid ?? Guid.Empty;
        var holder = await scope.Db.VirtualRouters.AsNoTracking()
            .Where(r => r.Uid != uid && (asked.Contains(r.Address) || (r.Address6 != null && asked.Contains(r.Address6)))).Select(r => new { r.Name, r.Address, r.Address6 }).FirstOrDefaultAsync(cancellationToken);
        if (holder is not null && holder.Name != request.Name)
            return ApiProblem.AddressInUse($"{asked.First(a => a.Equals(holder.Address) || a.Equals(holder.Address6))} belongs to VirtualRouter {holder.Name}.") with { Paths = ["address"] };
        IPAddress[] added = [.. asked.Where(a => !a.Equals(self?.Address) && !a.Equals(self?.Address6))];
        return added.Length > 0 && await BlockedAddresses.HolderAsync(scope.Connection, added, cancellationToken) is { } held ? ApiProblem.AddressInUse(held) : null;
    }

    private static VirtualRouterResource ToResource(VirtualRouterRow row, VirtualRouterStatusRow? status, DateTimeOffset? lastHeard, IEnumerable<VirtualRouterIntruderRow> intruders) => new()
    {
        Name = row.Name,
        Uid = row.Uid,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Generation = row.Generation,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
        Address = row.Address.ToString(),
        Address6 = row.Address6?.ToString(),
        AdminDown = row.AdminDown,
        Status = ToStatus(row, status, lastHeard, intruders),
    };

    private static VirtualRouterStatus ToStatus(
        VirtualRouterRow row, VirtualRouterStatusRow? status, DateTimeOffset? lastHeard, IEnumerable<VirtualRouterIntruderRow> intruders)
    {
        var (state, connected, reason, message) = status switch
        {
            { Connected: true } when row.AdminDown => (ResourceState.Success, "True", "AdminDown", "The agent is connected; adminDown keeps its routes withdrawn."),
            { Connected: true } => (ResourceState.Success, "True", "Connected", "The agent is connected."),
            { Lost: true } => (ResourceState.Failure, "False", "Lost", "The agent has been away too long, or has left unacknowledged what it was sent (status.message says so), and every control node that is alive has withdrawn its routes; start cn2-vrouter on the node or check the network to it."),
            { HeldAt: not null } => (ResourceState.Failure, "Unknown", "MassLoss",
                "The agent has been away too long, but so have others at the same time, so the fault is taken to be the control plane's and the routes stay; mend the network to the agents, or set adminDown to true to withdraw this node's routes."),
            { LastSeenAt: not null } => (ResourceState.Failure, "False", "Disconnected", "The agent is away, or leaves unacknowledged what it is sent (status.message says so); its routes are withdrawn if that goes on."),
            _ => (ResourceState.Pending, "False", "NeverConnected", $"No agent has connected yet; start cn2-vrouter with --name {row.Name} on the node."),
        };
        return new VirtualRouterStatus(
            state, status?.Connected ?? false, status?.ControlNode, lastHeard, status?.DesiredRevision ?? 0, status?.AppliedRevision ?? 0,
            status?.AgentVersion, status?.OverlayEngine, status?.Message,
            StoredDocument.Conditions(row,
            [
                new ConditionBody("Connected", connected, reason, message, row.Generation, lastHeard ?? row.CreatedAt),
                Forwarding(row, status),
                .. intruders.OrderBy(i => i.Reason, StringComparer.Ordinal).Select(i => new ConditionBody(i.Reason, "True", i.Reason, i.Message, row.Generation, i.Since)),
            ]));
    }

    private static ConditionBody Forwarding(VirtualRouterRow row, VirtualRouterStatusRow? status)
    {
        var forwarding = NodeForwarding.Parse(status?.Forwarding);
        return new ConditionBody("Forwarding", forwarding.Status.ToString(), forwarding.Reason, forwarding.Message, row.Generation, status?.ForwardsSince ?? row.CreatedAt);
    }
}
