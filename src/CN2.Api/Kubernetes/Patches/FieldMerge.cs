using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>Merges what is applied into the live object, by their form.</summary>
internal sealed class FieldMerge
{
    private string? _fault;

    private FieldMerge()
    {
    }

    /// <summary>The merged object; or the fault of the applied one: items of a list that are the same, or that nothing identifies.</summary>
    public static (JsonObject Merged, string? Fault) Of(JsonObject live, JsonObject applied, Schema.Structure schema)
    {
        var merge = new FieldMerge();
        var merged = merge.Merge(live, applied, schema, "").AsObject();
        return (merged, merge._fault);
    }

    private JsonNode Merge(JsonNode? live, JsonNode applied, Schema? schema, string path)
    {
        if (SchemaSteps.IsLeaf(schema, applied)) return applied.DeepClone();
        if (schema is Schema.List list) return MergeItems(live as JsonArray ?? [], applied.AsArray(), list, path);

        var members = applied.AsObject();
        var merged = new JsonObject();
        foreach (var (name, value) in live as JsonObject ?? [])
        {
            if (members[name] is null) merged[name] = value?.DeepClone();
            else merged[name] = Merge(value, members[name]!, SchemaSteps.Member(schema, name), $"{path}.{name}");
        }

        foreach (var (name, value) in members)
        {
            if (value is not null && !merged.ContainsKey(name)) merged[name] = Merge(null, value, SchemaSteps.Member(schema, name), $"{path}.{name}");
        }

        return merged;
    }

    /// <summary>Items of both lists: those applied in their sequence, the others where they stand among those that both have.</summary>
    private JsonArray MergeItems(JsonArray live, JsonArray applied, Schema.List list, string path)
    {
        var given = new List<(PathElement Element, JsonNode Item)>(applied.Count);
        var names = new HashSet<PathElement>();
        foreach (var item in applied)
        {
            var (element, fault) = SchemaSteps.Identify(list, item);
            if (element is null) _fault ??= $"{path}: {fault}";
            else if (!names.Add(element)) _fault ??= $"{path}: duplicate entries for key {element}";
            else given.Add((element, item!));
        }

        var present = live.Select(i => (SchemaSteps.Identify(list, i).Element, Item: i)).ToList();
        var before = present.Where(p => p.Element is not null).ToLookup(p => p.Element!, p => p.Item);
        var merged = new JsonArray();
        var at = 0;
        var shared = new Queue<PathElement>(given.Select(g => g.Element).Where(before.Contains));
        foreach (var (element, item) in given)
        {
            PassTo(shared.TryPeek(out var next) ? next : null);
            JsonNode?[] same = [.. before[element]];
            merged.Add(Merge(same.Length == 1 ? same[0] : null, item, list.Item, $"{path}{element}")); // items that are there twice are replaced
            if (element.Equals(next)) shared.Dequeue();
        }

        PassTo(null);
        return merged;

        void PassTo(PathElement? stop)
        {
            for (; at < present.Count && (stop is null || !stop.Equals(present[at].Element)); at++)
            {
                if (present[at].Element is not { } element || !names.Contains(element)) merged.Add(present[at].Item?.DeepClone());
            }
        }
    }
}
