using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;

namespace CN2.Api.Writes;

/// <summary>What every resource's row goes through when it is created, changed or deleted.</summary>
public static class RowChanges
{
    /// <summary>Fills in a new row: identity, first generation, times, labels and annotations of the request.</summary>
    public static T CreatedAt<T>(this T row, WriteScope scope, ResourceRequest request) where T : ResourceRow
    {
        row.Uid = request.KnownUid ?? Guid.CreateVersion7(scope.Now);
        row.Generation = 1;
        row.CreatedAt = scope.Now;
        row.UpdatedAt = scope.Now;
        row.Labels = request.Labels ?? [];
        row.Annotations = request.Annotations ?? [];
        return row;
    }

    /// <summary>Takes over labels and annotations; true when they differ from those of the row.</summary>
    public static bool ChangeMetadata(this ResourceRow row, ResourceRequest request)
    {
        var changed = false;
        if (!Same(row.Labels, request.Labels))
        {
            row.Labels = request.Labels ?? []; // a new dictionary, because EF does not notice an edit in place
            changed = true;
        }

        if (!Same(row.Annotations, request.Annotations))
        {
            row.Annotations = request.Annotations ?? [];
            changed = true;
        }

        return changed;
    }

    /// <summary>The user's request changed the row: next generation, updatedAt, and a change for the feed.</summary>
    public static void Touch(this WriteScope scope, ResourceKind kind, ResourceRow row)
    {
        row.Generation++;
        row.UpdatedAt = scope.Now;
        scope.Changes.Modified(kind, (row as NamespacedRow)?.Namespace, row.Name, row.Uid);
    }

    /// <param name="changes">The transaction's changes.</param>
    /// <param name="kind">The kind of the resource.</param>
    /// <param name="last">The resource as the last GET would have answered it.</param>
    public static void Deleted(this ChangeList changes, ResourceKind kind, ResourceBody last) =>
        changes.Deleted(kind, last.Namespace, last.Name, last.Uid, JsonSerializer.Serialize(last, last.GetType(), ApiJson.Options));

    private static bool Same(Dictionary<string, string> stored, Dictionary<string, string>? given) =>
        stored.Count == (given?.Count ?? 0) && stored.All(pair => given!.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
