using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;

namespace CN2.Api.Writes;

/// <summary>Adds rows to the change feed in the writer's transaction; the reconciler and every watch live on them.</summary>
public sealed class ChangeWriter(CN2DbContext db)
{
    /// <summary>How many were added; none means nobody needs waking.</summary>
    public int Count { get; private set; }

    public void Added(ResourceKind kind, string? ns, string name, Guid uid) => Add(kind, ns, name, uid, ChangeVerb.Added, false, null);

    /// <param name="statusOnly">Only the status moved: watchers hear of it, the reconciler does not.</param>
    public void Modified(ResourceKind kind, string? ns, string name, Guid uid, bool statusOnly = false) =>
        Add(kind, ns, name, uid, ChangeVerb.Modified, statusOnly, null);

    /// <param name="last">What GET answered last; watchers get it with the <c>deleted</c> event.</param>
    public void Deleted(ResourceKind kind, ResourceBody last) => Add(
        kind, last.Namespace, last.Name, last.Uid, ChangeVerb.Deleted, false,
        System.Text.Json.JsonSerializer.Serialize(last, last.GetType(), ApiJson.Options));

    /// <summary>The decision wrote so many change rows itself, by plain SQL: the readers are woken for them too.</summary>
    public void WrittenBySql(int count) => Count += count;

    private void Add(ResourceKind kind, string? ns, string name, Guid uid, ChangeVerb verb, bool statusOnly, string? document)
    {
        db.Changes.Add(new ChangeRow { Kind = kind, Namespace = ns, Name = name, Uid = uid, Verb = verb, StatusOnly = statusOnly, Document = document });
        Count++;
    }
}
