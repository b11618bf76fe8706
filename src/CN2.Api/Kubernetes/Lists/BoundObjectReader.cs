using System.Data;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Versions;
using CN2.Network.Selection;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>Reads the objects of a binding; each page and its versions are of one snapshot.</summary>
internal sealed class BoundObjectReader(IObjectBinding binding, IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions) : IObjectReader
{
    public ResourceDefinition Resource => binding.Definition;

    public Guid? ObjectOf(ChangeRow change) => change.Kind == binding.Kind ? change.Uid : null;

    public async Task<IReadOnlyList<JsonObject>> LoadAsync(IReadOnlyCollection<Guid> uids, CancellationToken ct) =>
        uids.Count == 0 ? [] : (await InSnapshotAsync(async db => new ObjectPage(await binding.LoadAsync(db, uids, ct), null), ct)).Objects;

    public JsonObject? LastOf(ChangeRow deletion)
    {
        if (deletion.Document is not { } document || JsonNode.Parse(document) is not JsonObject resource)
            return WithKind(new JsonObject { ["metadata"] = new JsonObject { ["name"] = deletion.Name, ["namespace"] = deletion.Namespace, ["uid"] = deletion.Uid.ToString() } });
        var source = binding.Mapping.ToObject(resource);
        source["metadata"]!["name"] = binding.NameOf(resource);
        return WithKind(source);
    }

    public async Task<ListedObjects> ReadAsync(string? ns, LabelSelector labels, (string Namespace, string Name)? after, int most, CancellationToken ct)
    {
        // A label that objects have and their rows have not cannot be looked for in the rows.
        var inRows = labels.Requirements.Count == 0 || labels.Requirements.Any(r => r.Key.StartsWith("kubernetes.io/", StringComparison.Ordinal)) ? null : labels;
        return await InSnapshotAsync(db => binding.ListAsync(db, new ObjectRange(ns, inRows, after, most), ct), ct);
    }

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
            known = await versions.ReadAsync(connection, [.. page.Items.Select(b => b.VersionUid ?? b.Uid).Distinct()], ct);
        }

        return new ListedObjects(moment, [.. page.Items.Select(b => ShownObject.Of(binding, b, known[b.VersionUid ?? b.Uid]))], page.Next);
    }

    private JsonObject WithKind(JsonObject source)
    {
        source["apiVersion"] = binding.Definition.ApiVersion;
        source["kind"] = binding.Definition.Kind;
        return source;
    }
}
