using System.Data;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>Reads the objects of a binding; each page and its versions are of one snapshot.</summary>
/// <param name="binding">Of the kind.</param>
/// <param name="contexts">Opens connections.</param>
/// <param name="versions">Reads versions.</param>
/// <param name="held">The objects that are held; null: those of this kind are not.</param>
internal sealed class BoundObjectReader(IObjectBinding binding, IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions, HeldObjects? held) : IObjectReader
{
    private readonly string _alone = $"{binding.Definition.QualifiedName}/";

    public ResourceDefinition Resource => binding.Definition;

    /// <summary>Changes of an object that lives alone are named by its resource.</summary>
    public bool Follows(ChangeRow change) => change.Kind == ResourceKind.KubernetesObject
        ? change.Name.StartsWith(_alone, StringComparison.Ordinal)
        : change.Kind == binding.Kind;

    public async Task<IReadOnlyList<(Guid Changed, JsonObject Object)>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        if (uids.Count == 0) return [];
        IReadOnlyList<BoundObject> bound = [];
        var page = await InSnapshotAsync(async db => new ObjectPage(bound = await binding.LoadAsync(db, uids, ct), null), ct);
        return [.. bound.Zip(page.Objects, (b, o) => (b.ChangedUid, o))];
    }

    public async Task<IReadOnlyList<(ulong Transaction, JsonObject Object)>?> CameAsync(FeedSnapshot after, FeedSnapshot upTo, CancellationToken ct)
    {
        if (binding is not ILogBinding log) return null;
        if (after.Includes(upTo)) return [];
        await using var db = await contexts.CreateDbContextAsync(ct);
        var came = await log.CameAsync(await db.OpenSqlAsync(ct), after, upTo, ct);
        return [.. came.Select(c => (c.Transaction, ShownObject.Of(binding, c.Object, default)))];
    }

    public JsonObject LastOf(ChangeRow deletion)
    {
        if (deletion.Kind == ResourceKind.KubernetesObject && deletion.Document is { } alone && JsonNode.Parse(alone) is JsonObject last) return WithKind(last);
        // The document is the resource's; an object that is made of something else is known by its name.
        if (!binding.IsResource || deletion.Document is not { } document || JsonNode.Parse(document) is not JsonObject resource)
            return WithKind(new JsonObject { ["metadata"] = new JsonObject { ["name"] = deletion.Name, ["namespace"] = deletion.Namespace, ["uid"] = deletion.Uid.ToString() } });
        var source = binding.Mapping.ToObject(resource);
        source["metadata"]!["name"] = binding.NameOf(resource);
        return WithKind(source);
    }

    public async Task<ListedObjects> ReadAsync(NamespaceScope scope, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct)
    {
        // A label that objects have and their rows have not cannot be looked for in the rows.
        var inRows = labels.Requirements.Count == 0 || labels.Requirements.Any(r => r.Key.StartsWith("kubernetes.io/", StringComparison.Ordinal)) ? null : labels;
        return await InSnapshotAsync(db => binding.ListAsync(db, new ObjectRange(scope, inRows, after, most), ct), ct);
    }

    public Task<HeldPage?> HeldAsync(NamespaceScope scope, (string Namespace, string Name)? after, int most, bool mayRead, CancellationToken ct) =>
        held is null ? Task.FromResult<HeldPage?>(null) : held.PageAsync(scope, after, most, mayRead, ct);

    private async Task<ListedObjects> InSnapshotAsync(Func<CN2DbContext, Task<ObjectPage>> read, CancellationToken ct)
    {
        VersionMoment moment;
        ObjectPage page;
        Dictionary<Guid, ResourceVersion> known;
        await using (var db = await contexts.CreateDbContextAsync(ct))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var connection = await db.OpenSqlAsync(ct);
            moment = await versions.MomentAsync(connection, ct);
            page = await read(db);
            known = await versions.ReadAsync(connection, [.. page.Items.Select(b => b.ChangedUid).Distinct()], ct);
        }

        return new ListedObjects(moment, [.. page.Items.Select(b => ShownObject.Of(binding, b, known[b.ChangedUid]))], page.Next);
    }

    private JsonObject WithKind(JsonObject source)
    {
        source["apiVersion"] = binding.Definition.ApiVersion;
        source["kind"] = binding.Definition.Kind;
        return source;
    }
}
