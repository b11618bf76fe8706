using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Selection;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// What became of a network when the grant of its namespace, or who may use it, changed: it stays as it is, and a condition says what a new one could not
/// have.
/// </summary>
internal static class TenantConditions
{
    private const int NamesShown = 5;

    /// <summary>None when its namespace has no grant.</summary>
    public static IEnumerable<ConditionBody> WithinGrant(ExternalNetworkRow row, GrantRow? grant)
    {
        if (grant is null || StoredDocument.ReadOr<ExternalNetworkSpec>(row.Spec, null) is not { } spec) yield break;
        var since = row.UpdatedAt > grant.UpdatedAt ? row.UpdatedAt : grant.UpdatedAt;
        if (StoredDocument.ReadOr<GrantSpec>(grant.Spec, null) is not { } granted)
        {
            yield return new ConditionBody("WithinGrant", "Unknown", "GrantUnreadable", "What is stored as the namespace's grant cannot be read; write the grant anew.", row.Generation, since);
            yield break;
        }

        var outside = GrantCoverage.Outside(spec, granted);
        yield return outside.Count == 0
            ? new ConditionBody("WithinGrant", "True", "Granted", "The grant of its namespace covers it.", row.Generation, since)
            : new ConditionBody(
                "WithinGrant", "False", "OutsideGrant",
                $"The grant of its namespace does not cover it: {string.Join("; ", outside.Take(NamesShown).Select(f => $"{f.Path}: {f.Message}"))}{(outside.Count > NamesShown ? $"; and {outside.Count - NamesShown} more" : "")}. " +
                "It stays, but routes outside of the grant are not sent to routers anew; change the network, or the grant.",
                row.Generation, since);
    }

    /// <summary>None when everybody may use it.</summary>
    /// <param name="row">The network.</param>
    /// <param name="users">Who uses networks like it.</param>
    public static IEnumerable<ConditionBody> AllowedUsers(ExternalNetworkRow row, IReadOnlyList<NetworkUsers> users)
    {
        if (StoredDocument.ReadOr<ExternalNetworkSpec>(row.Spec, null)?.AllowedNamespaces is not { } allowed) yield break;
        var access = new NetworkAccess(allowed.ToSelector());
        var others = users.Where(u => u.Network == row.Uid && !access.Allows(u.Labels)).Select(u => u.Namespace).ToList();
        yield return others.Count == 0
            ? new ConditionBody("AllowedUsers", "True", "Allowed", "Only namespaces that allowedNamespaces selects use it.", row.Generation, row.UpdatedAt)
            : new ConditionBody(
                "AllowedUsers", "False", "UsedByOthers",
                $"Namespaces that allowedNamespaces does not select use it: {string.Join(", ", others.Take(NamesShown))}{(others.Count > NamesShown ? $" and {others.Count - NamesShown} more" : "")}. What they have stays, and they get no more; delete it, or select them.",
                row.Generation, row.UpdatedAt);
    }
}
