using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>Who owns which field of an object: <c>metadata.managedFields</c> after each kind of write, and server-side apply.</summary>
public static class ManagedFields
{
    /// <summary>Managers of the Update operation that an object keeps; older ones become one.</summary>
    public const int MaxUpdateManagers = 10;

    private const string AncientChanges = "ancient-changes";
    private const string BeforeFirstApply = "before-first-apply";

    /// <summary>Nobody owns these: who an object is, and what the server says of it.</summary>
    private static readonly FieldSet Unowned = FieldSet.Of(
        ((string[])["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"])
        .Select(n => (IReadOnlyList<PathElement>)[PathElement.OfField("metadata"), PathElement.OfField(n)])
        .Concat([[PathElement.OfField("apiVersion")], [PathElement.OfField("kind")]]));

    private static readonly FieldSet Metadata = FieldSet.OfFields("metadata");

    /// <summary>
    /// The object after a create, update or patch, with its owners: what is changed or added is the manager's alone, what is removed is nobody's.
    /// Refused (Invalid) when the managedFields that it brings are malformed; a list that is empty, or <c>[{}]</c>, forgets all owners.
    /// </summary>
    /// <param name="definition">The resource.</param>
    /// <param name="old">As stored; null: it is created.</param>
    /// <param name="updated">As it will be stored, with its defaults. It is not changed.</param>
    /// <param name="manager">Who writes.</param>
    /// <param name="now">For the entry of the manager, if it changed anything.</param>
    public static PatchResult Update(ResourceDefinition definition, JsonObject? old, JsonObject updated, FieldManager manager, DateTimeOffset now)
    {
        if (JsonForm.FaultOf(updated) is { } form) return PatchResult.Malformed($"the object {form}");
        var given = manager.Subresource.Length == 0 ? ManagedFieldsOf(updated) : null;
        var (entries, fault) = ManagedFieldsEntry.Read(given);
        if (IsReset(given)) entries = [];
        else if (entries is null) return PatchResult.Invalid(fault!);
        else if (entries.Count == 0) entries = ManagedFieldsEntry.Read(ManagedFieldsOf(old)).Entries ?? [];

        var result = updated.DeepClone().AsObject();
        if (old is null || entries.Count > 0) entries = AfterUpdate(definition, old ?? Blank(definition), result, entries, manager, now);
        Write(result, entries);
        return new PatchResult.Done(result);
    }

    private static List<ManagedFieldsEntry> AfterUpdate(
        ResourceDefinition definition, JsonObject old, JsonObject updated, List<ManagedFieldsEntry> entries, FieldManager manager, DateTimeOffset now)
    {
        var difference = FieldDifference.Between(old, updated, definition.Schema, IgnoredBy(definition, manager));
        var changed = difference.Changed.Except(Metadata);
        var after = Without(entries, difference.Changed.Union(difference.Removed));
        if (changed.IsEmpty) return Capped(after);

        var own = new ManagedFieldsEntry(manager.Name, ManagedFieldsOperation.Update, definition.ApiVersion, manager.Subresource, now, changed);
        if (after.Find(own.IsOf) is { } previous) own = own with { Fields = previous.Fields.Union(changed) };
        after.RemoveAll(own.IsOf);
        after.Add(own);
        return Capped(after);
    }

    /// <summary>
    /// Server-side apply. What the manager applied before, does not apply now, and nobody else owns is removed. A field that another manager owns
    /// with another value is a conflict, unless forced: then it is taken. When nothing changes the result is equal to <paramref name="live"/>.
    /// </summary>
    /// <param name="definition">The resource.</param>
    /// <param name="live">As stored; null: it is created.</param>
    /// <param name="applied">What the manager wants. Members that the server sets are passed over. It is not changed.</param>
    /// <param name="manager">Who applies.</param>
    /// <param name="force">Takes fields from other managers.</param>
    /// <param name="now">For the entry of the manager, if anything changed.</param>
    public static PatchResult Apply(ResourceDefinition definition, JsonObject? live, JsonNode? applied, FieldManager manager, bool force, DateTimeOffset now)
    {
        if (applied is not JsonObject given) return PatchResult.Malformed("the applied configuration must be an object");
        if (JsonForm.FaultOf(given) is { } form) return PatchResult.Malformed($"the applied configuration {form}");
        if (ManagedFieldsOf(given) is not null) return PatchResult.Malformed("metadata.managedFields must be nil");
        if (given["apiVersion"] is JsonValue version && Scalar.Of(version) is { } text && text.ToString() != Scalar.Quote(definition.ApiVersion, forHtml: false))
            return PatchResult.Malformed($"Incorrect version specified in apply patch. Specified patch version: {version}, expected: {definition.ApiVersion}");
        var ignored = IgnoredBy(definition, manager);
        var config = FieldWalk.Without(JsonForm.WithoutNulls(given)!.AsObject(), live is null ? ignored.Except(Identity) : ignored, definition.Schema);

        var entries = ManagedFieldsEntry.Read(ManagedFieldsOf(live)).Entries ?? [];
        var current = (live ?? Blank(definition)).DeepClone().AsObject();
        Write(current, []);
        if (live is not null && entries.Count == 0)
            entries = AfterUpdate(definition, Blank(definition), current, entries, new FieldManager(BeforeFirstApply, manager.Subresource), now);

        var (merged, fault) = FieldMerge.Of(live is null ? [] : current, config, definition.Schema);
        if (fault is not null) return PatchResult.Malformed($"failed to create typed patch object: {fault}");

        var fields = FieldWalk.FieldsOf(config, definition.Schema, ignored).Except(Metadata);
        var own = new ManagedFieldsEntry(manager.Name, ManagedFieldsOperation.Apply, definition.ApiVersion, manager.Subresource, now, fields);
        var last = entries.Find(own.IsOf);
        var others = entries.FindAll(e => !own.IsOf(e));
        if (last is not null) merged = Pruned(merged, last.Fields, others.Aggregate(fields.Union(ignored).Union(Metadata), (all, e) => all.Union(e.Fields)), definition.Schema);

        var difference = FieldDifference.Between(current, merged, definition.Schema, ignored);
        var changed = difference.Changed;
        if (!force && ConflictsOf(others, changed) is { Count: > 0 } conflicts) return new PatchResult.Conflicted(conflicts);

        var after = Without(others, changed.Union(difference.Removed));
        var isSame = changed.IsEmpty && difference.Removed.IsEmpty && last is not null && last.ApiVersion == own.ApiVersion && last.Fields.Equals(fields);
        if (!fields.IsEmpty) after.Add(isSame ? last! : own);
        Write(merged, after);
        return new PatchResult.Done(merged);
    }

    private static readonly FieldSet Identity = FieldSet.Of(
        [PathElement.OfField("apiVersion")], [PathElement.OfField("kind")],
        [PathElement.OfField("metadata"), PathElement.OfField("name")], [PathElement.OfField("metadata"), PathElement.OfField("namespace")]);

    private static List<FieldConflict> ConflictsOf(List<ManagedFieldsEntry> others, FieldSet changed) =>
        [.. others.SelectMany(e => e.Fields.Intersect(changed).Paths().Select(p => new FieldConflict(string.Concat(p), e)))];

    /// <summary>Without what was applied last and has no owner now. What is inside of it and somebody owns keeps it.</summary>
    private static JsonObject Pruned(JsonObject merged, FieldSet last, FieldSet owned, Schema.Structure schema)
    {
        last = last.WithNamedMembers(schema);
        var all = FieldWalk.FieldsOf(merged, schema).WithNamedMembers(schema);
        var kept = FieldWalk.FieldsOf(FieldWalk.Without(merged, last, schema), schema).WithNamedMembers(schema);
        var candidate = FieldWalk.Without(merged, all.Except(kept.Union(owned.WithNamedMembers(schema))), schema);
        kept = FieldWalk.FieldsOf(candidate, schema).WithNamedMembers(schema);
        return FieldWalk.Without(merged, all.Except(kept).Intersect(last), schema);
    }

    private static List<ManagedFieldsEntry> Without(IEnumerable<ManagedFieldsEntry> entries, FieldSet fields) =>
        [.. entries.Select(e => e with { Fields = e.Fields.Except(fields) }).Where(e => !e.Fields.IsEmpty)];

    /// <summary>The oldest entries of one version become one, until few enough are left.</summary>
    private static List<ManagedFieldsEntry> Capped(List<ManagedFieldsEntry> entries)
    {
        var updates = entries.Where(e => e.Operation == ManagedFieldsOperation.Update)
            .OrderBy(e => e.Time?.ToUnixTimeSeconds() ?? 0).ThenBy(e => e.Manager, StringComparer.Ordinal).ThenBy(e => e.Subresource, StringComparer.Ordinal).ToList();
        var left = updates.Count;
        var oldest = new Dictionary<string, ManagedFieldsEntry>(StringComparer.Ordinal);
        foreach (var entry in updates)
        {
            if (left <= MaxUpdateManagers) break;
            if (!oldest.TryGetValue(entry.ApiVersion, out var bucket))
            {
                oldest[entry.ApiVersion] = entry;
                continue;
            }

            var joined = new ManagedFieldsEntry(AncientChanges, ManagedFieldsOperation.Update, entry.ApiVersion, "", entry.Time, bucket.Fields.Union(entry.Fields));
            entries.RemoveAll(e => ReferenceEquals(e, bucket) || ReferenceEquals(e, entry));
            if (entries.Find(joined.IsOf) is { } former)
            {
                joined = joined with { Fields = former.Fields.Union(joined.Fields) };
                entries.Remove(former);
                left--;
            }

            entries.Add(joined);
            oldest[entry.ApiVersion] = joined;
            left--;
        }

        return entries;
    }

    /// <summary>What a write through the manager's subresource cannot change: <c>status</c>, or all but it.</summary>
    private static FieldSet IgnoredBy(ResourceDefinition definition, FieldManager manager)
    {
        if (manager.Subresource == "status") return Unowned.Union(definition.IsNative ? Spec : Spec.Union(Metadata));
        return manager.Subresource.Length == 0 && definition.Subresources.Any(s => s.Name == "status") ? Unowned.Union(Status) : Unowned;
    }

    private static readonly FieldSet Spec = FieldSet.OfFields("spec");
    private static readonly FieldSet Status = FieldSet.OfFields("status");

    /// <summary>What an object is before it is created: a native kind always has its parts, so that nobody owns them as such.</summary>
    private static JsonObject Blank(ResourceDefinition definition)
    {
        var blank = new JsonObject { ["metadata"] = new JsonObject() };
        if (!definition.IsNative) return blank;
        foreach (var part in (string[])["spec", "status"])
        {
            if (definition.Schema.Find(part) is { Schema: Schema.Structure }) blank[part] = new JsonObject();
        }

        return blank;
    }

    private static JsonNode? ManagedFieldsOf(JsonObject? value) => value?["metadata"] is JsonObject metadata ? metadata["managedFields"] : null;

    private static bool IsReset(JsonNode? given) => given is JsonArray list && (list.Count == 0 || (list.Count == 1 && list[0] is JsonObject { Count: 0 }));

    private static void Write(JsonObject value, List<ManagedFieldsEntry> entries)
    {
        if (value["metadata"] is not JsonObject metadata)
        {
            if (entries.Count == 0) return;
            value["metadata"] = metadata = [];
        }

        if (entries.Count == 0) metadata.Remove("managedFields");
        else metadata["managedFields"] = ManagedFieldsEntry.Write(entries);
    }
}
