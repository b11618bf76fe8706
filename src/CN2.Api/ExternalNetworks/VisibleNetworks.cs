using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// Which networks a caller sees: those of its namespaces, and those that one of its namespaces may use (<c>allowedNamespaces</c>, docs/contract.md §3).
/// The only place where that is decided.
/// </summary>
internal static class VisibleNetworks
{
    /// <summary>The networks of a namespace that the caller may read in, or of all that it sees.</summary>
    public static async Task<IQueryable<ExternalNetworkRow>> VisibleAsync(this CN2DbContext db, NamespaceScope scope, CancellationToken ct)
    {
        if (scope.Several?.ToArray() is not { } own) return db.ExternalNetworks.In(scope.Namespace);
        var closed = await ClosedAsync(db, own, ct);
        return db.ExternalNetworks.Where(n => own.Contains(n.Namespace) || !closed.Contains(n.Uid));
    }

    /// <summary>
    /// A network as a caller sees that only may use it: without what its owner wrote beside it, and without conditions, which name who else uses it.
    /// </summary>
    public static ExternalNetworkResource Shown(this ExternalNetworkResource network, CallerRights rights) =>
        rights.In(network.Namespace!) is not null ? network : network with { Annotations = new Dictionary<string, string>(), Status = network.Status with { Conditions = [] } };

    /// <summary>The networks that none of the namespaces may use.</summary>
    private static async Task<Guid[]> ClosedAsync(CN2DbContext db, string[] namespaces, CancellationToken ct)
    {
        var restricted = await db.Database.SqlQuery<Restriction>(
            $"SELECT uid, (spec -> 'allowedNamespaces')::text AS selector FROM external_network WHERE spec -> 'allowedNamespaces' IS NOT NULL AND spec -> 'allowedNamespaces' <> 'null'").ToListAsync(ct);
        if (restricted.Count == 0) return [];
        var labels = await db.Namespaces.Where(n => namespaces.Contains(n.Name)).Select(n => n.Labels).ToListAsync(ct);
        return [.. restricted.Where(r => !labels.Exists(AllowedNamespaces.Read(r.Selector).Allows)).Select(r => r.Uid)];
    }

    private sealed record Restriction(Guid Uid, string Selector);
}
