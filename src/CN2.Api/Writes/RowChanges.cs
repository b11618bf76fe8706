using CN2.Api.Data.Rows;
using CN2.Api.Http;

namespace CN2.Api.Writes;

/// <summary>What every resource's row goes through when it is created or changed.</summary>
public static class RowChanges
{
    /// <summary>Fills in a new row: identity, first generation, times, labels and annotations of the request.</summary>
    public static T CreatedAt<T>(this T row, WriteScope scope, ResourceRequest request) where T : ResourceRow
    {
        row.Uid = Guid.CreateVersion7(scope.Now);
        row.Generation = 1;
        row.CreatedAt = scope.Now;
        row.UpdatedAt = scope.Now;
        row.Labels = request.Labels ?? [];
        row.Annotations = request.Annotations ?? [];
        return row;
    }

    /// <summary>Takes over labels and annotations; true when they differ from what the row had.</summary>
    public static bool ChangeMetadata(this ResourceRow row, ResourceRequest request)
    {
        var changed = false;
        if (!Same(row.Labels, request.Labels))
        {
            row.Labels = request.Labels ?? []; // a new dictionary: edits in place go unnoticed
            changed = true;
        }

        if (!Same(row.Annotations, request.Annotations))
        {
            row.Annotations = request.Annotations ?? [];
            changed = true;
        }

        return changed;
    }

    /// <summary>The user's wish changed: next generation, updatedAt, and a change row.</summary>
    public static void Touch(this WriteScope scope, ResourceKind kind, ResourceRow row)
    {
        row.Generation++;
        row.UpdatedAt = scope.Now;
        scope.Changes.Modified(kind, (row as NamespacedRow)?.Namespace, row.Name, row.Uid);
    }

    private static bool Same(Dictionary<string, string> kept, Dictionary<string, string>? given) =>
        kept.Count == (given?.Count ?? 0) && kept.All(pair => given!.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
