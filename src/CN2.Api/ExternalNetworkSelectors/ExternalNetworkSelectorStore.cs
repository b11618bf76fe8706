using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Status;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.ExternalNetworkSelectors;

/// <summary>Reads and writes ExternalNetworkSelector rows; each write is one decision inside <see cref="WritePipeline"/>'s transaction.</summary>
public sealed class ExternalNetworkSelectorStore
{
    public static ExternalNetworkSelectorResource ToResource(ExternalNetworkSelectorRow row) => StoredDocument.Make(
        row, () => ToResource(row, ApiJson.Read<ExternalNetworkSelectorSpec>(row.Spec)),
        condition => ToResource(row, new ExternalNetworkSelectorSpec(new LabelSelectorBody(), null)) with { Status = new ExternalNetworkSelectorStatus(ResourceState.Failure, [condition]) });

    private static ExternalNetworkSelectorResource ToResource(ExternalNetworkSelectorRow row, ExternalNetworkSelectorSpec spec)
    {
        return new ExternalNetworkSelectorResource
        {
            Name = row.Name,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            NetworkSelector = spec.NetworkSelector,
            NamespaceSelector = spec.NamespaceSelector,
            Status = new ExternalNetworkSelectorStatus(ResourceState.Success, StoredDocument.Conditions(row, [])),
        };
    }

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static ExternalNetworkSelectorRequest ToRequest(ExternalNetworkSelectorRow row)
    {
        var spec = ApiJson.Read<ExternalNetworkSelectorSpec>(row.Spec);
        return new ExternalNetworkSelectorRequest
        {
            Name = row.Name,
            Labels = row.Labels,
            Annotations = row.Annotations,
            NetworkSelector = spec.NetworkSelector,
            NamespaceSelector = spec.NamespaceSelector,
        };
    }

    /// <summary>The row, locked until the transaction ends.</summary>
    public Task<ExternalNetworkSelectorRow?> LockAsync(WriteScope scope, string name, CancellationToken cancellationToken) =>
        scope.Db.ExternalNetworkSelectors.FromSql($"SELECT * FROM external_network_selector WHERE name = {name} FOR UPDATE")
            .AsTracking().SingleOrDefaultAsync(cancellationToken);

    public WriteOutcome Create(WriteScope scope, ExternalNetworkSelectorRequest request)
    {
        var row = new ExternalNetworkSelectorRow { Name = request.Name!, Spec = SpecOf(request) }.CreatedAt(scope, request);
        scope.Db.ExternalNetworkSelectors.Add(row);
        scope.Changes.Added(ResourceKind.ExternalNetworkSelector, null, row.Name, row.Uid);
        return new WriteOutcome.Created(ToResource(row));
    }

    public WriteOutcome Replace(WriteScope scope, ExternalNetworkSelectorRow row, ExternalNetworkSelectorRequest request)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        scope.Audit.Remember(row.Uid, row.Generation, () => ToRequest(row));
        var spec = SpecOf(request);
        // jsonb changes the order of members, so both are compared in the order that this program writes.
        var changed = ApiJson.Text(ApiJson.Read<ExternalNetworkSelectorSpec>(row.Spec)) != spec;
        if (changed) row.Spec = spec;
        if (row.ChangeMetadata(request) || changed) scope.Touch(ResourceKind.ExternalNetworkSelector, row);
        return new WriteOutcome.Saved(ToResource(row));
    }

    public WriteOutcome Delete(WriteScope scope, ExternalNetworkSelectorRow row)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        if (row.Name == "default-external") return ApiProblem.InUse("ExternalNetworkSelector default-external", ["every Service that names neither network nor selector"]);
        scope.Db.ExternalNetworkSelectors.Remove(row);
        scope.Changes.Deleted(ResourceKind.ExternalNetworkSelector, ToResource(row));
        return new WriteOutcome.Gone();
    }

    private static string SpecOf(ExternalNetworkSelectorRequest request) =>
        ApiJson.Text(new ExternalNetworkSelectorSpec(Canonical(request.NetworkSelector!), request.NamespaceSelector is null ? null : Canonical(request.NamespaceSelector)));

    /// <summary>Puts labels into one order, so that equal selectors are equal texts.</summary>
    private static LabelSelectorBody Canonical(LabelSelectorBody selector) => new()
    {
        MatchLabels = selector.MatchLabels?.OrderBy(p => p.Key.Length).ThenBy(p => p.Key, StringComparer.Ordinal).ToDictionary(),
        MatchExpressions = selector.MatchExpressions,
    };
}
