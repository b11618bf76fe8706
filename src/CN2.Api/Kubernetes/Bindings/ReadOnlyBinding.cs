using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>A kind whose objects are made of other resources when they are read. Discovery names no verb that writes.</summary>
internal abstract class ReadOnlyBinding : IObjectBinding
{
    public abstract ResourceDefinition Definition { get; }

    public ObjectMapping Mapping { get; } = new FinishedMapping();

    public abstract ResourceKind? Kind { get; }

    public abstract Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct);

    public abstract Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct);

    public abstract Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct);

    public Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => throw Refused();

    public Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct) => throw Refused();

    public Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct) => throw Refused();

    public Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct) => throw Refused();

    protected static BoundObject Bound(JsonObject finished, Guid? versionUid)
    {
        var metadata = (JsonObject)finished["metadata"]!;
        return new BoundObject(Guid.Parse(metadata["uid"]!.ToString()), metadata["namespace"]!.ToString(), metadata["name"]!.ToString(), FinishedMapping.ResourceOf(finished), null) { VersionUid = versionUid };
    }

    private InvalidOperationException Refused() => new($"{Definition.Plural} are read-only");
}
