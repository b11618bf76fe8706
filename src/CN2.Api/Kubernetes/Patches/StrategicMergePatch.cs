using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>
/// A strategic merge patch of a native kind: a merge patch that merges the lists whose items have an identity, with the directives <c>$patch</c>,
/// <c>$retainKeys</c>, <c>$deleteFromPrimitiveList/…</c> and <c>$setElementOrder/…</c>.
/// </summary>
public sealed class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeleteFromList = "$deleteFromPrimitiveList/";
    private const string SetOrder = "$setElementOrder/";

    private PatchResult.Refused? _refused;

    private StrategicMergePatch()
    {
    }

    /// <summary>The object with the patch merged in. No argument is changed.</summary>
    public static PatchResult Apply(JsonObject current, JsonNode? patch, Schema.Structure schema)
    {
        if (patch is not JsonObject members) return PatchResult.Malformed("the strategic merge patch must be an object");
        if (JsonForm.FaultOf(patch) is { } fault) return PatchResult.Malformed($"the strategic merge patch {fault}");
        var merge = new StrategicMergePatch();
        var merged = merge.Merge(current.DeepClone().AsObject(), members, schema, "");
        return merge._refused ?? (PatchResult)new PatchResult.Done(merged);
    }

    /// <summary>The first fault stands; the object that is then returned is of no use.</summary>
    private void Refuse(string path, string message) => _refused ??= PatchResult.Malformed($"{(path.Length == 0 ? "the patch" : path)}: {message}");

    private JsonObject Merge(JsonObject target, JsonObject patch, Schema? schema, string path)
    {
        if (patch.TryGetPropertyValue(Directive, out var directive))
        {
            switch (TextOf(directive))
            {
                case "replace":
                    target = [];
                    break;
                case "delete":
                    return [];
                case "merge":
                    break;
                default:
                    Refuse(path, $"{Directive} must be replace, delete or merge");
                    return target;
            }
        }

        Retain(target, patch, path);
        foreach (var (name, value) in patch)
        {
            if (_refused is not null) return target;
            if (name[..Math.Min(1, name.Length)] == "$" && IsDirective(target, patch, name, value, schema, path)) continue;
            if (patch.ContainsKey(SetOrder + name) && value is JsonArray) continue; // merged with its order
            MergeMember(target, name, value, schema, path);
        }

        return target;
    }

    private void MergeMember(JsonObject target, string name, JsonNode? value, Schema? schema, string path)
    {
        var form = SchemaSteps.Member(schema, name);
        path = $"{path}.{name}";
        switch (value)
        {
            case null:
                target.Remove(name);
                break;
            case JsonObject patch:
                var existing = target[name] as JsonObject;
                var merged = Merge(existing ?? [], patch, form, path);
                if (!ReferenceEquals(merged, existing)) target[name] = merged;
                break;
            case JsonArray items when form is Schema.List list && Merges(list):
                target[name] = new JsonArray([.. MergeItems(Take(target[name]), items, list, path)]);
                break;
            default:
                target[name] = value.DeepClone();
                break;
        }
    }

    private static bool Merges(Schema.List list) => list.MergeKey is not null || list.Kind == ListKind.Set;

    private bool IsDirective(JsonObject target, JsonObject patch, string name, JsonNode? value, Schema? schema, string path)
    {
        if (name is Directive or RetainKeys) return true;
        if (name.StartsWith(DeleteFromList, StringComparison.Ordinal))
        {
            var member = name[DeleteFromList.Length..];
            if (value is not JsonArray gone) Refuse(path, $"{name} must be a list");
            else if (target[member] is JsonArray present) Remove(present, gone);
            return true;
        }

        if (!name.StartsWith(SetOrder, StringComparison.Ordinal)) return false;
        if (value is JsonArray order) MergeInOrder(target, patch, name[SetOrder.Length..], order, schema, path);
        else Refuse(path, $"{name} must be a list");
        return true;
    }

    private static void Remove(JsonArray present, JsonArray gone)
    {
        var values = gone.Select(Identity).ToHashSet(StringComparer.Ordinal);
        for (var i = present.Count - 1; i >= 0; i--)
        {
            if (values.Contains(Identity(present[i]))) present.RemoveAt(i);
        }
    }

    private void Retain(JsonObject target, JsonObject patch, string path)
    {
        if (!patch.TryGetPropertyValue(RetainKeys, out var directive)) return;
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in directive as JsonArray ?? [null])
        {
            if (TextOf(item) is { } name) kept.Add(name);
            else Refuse(path, $"{RetainKeys} must be a list of member names");
        }

        foreach (var (name, value) in patch)
        {
            if (value is not null && !name.StartsWith('$') && !kept.Contains(name)) Refuse(path, $"{name} is set, and is not in {RetainKeys}");
        }

        foreach (var name in target.Select(m => m.Key).Where(n => !kept.Contains(n)).ToList()) target.Remove(name);
    }

    private void MergeInOrder(JsonObject target, JsonObject patch, string name, JsonArray order, Schema? schema, string path)
    {
        var at = $"{path}.{name}";
        if (SchemaSteps.Member(schema, name) is not Schema.List list || !Merges(list))
        {
            Refuse(at, "is no list that is merged, and has no order to set");
            return;
        }

        var isGiven = patch.TryGetPropertyValue(name, out var value);
        if (isGiven && value is null) return; // removed
        if (isGiven && value is not JsonArray) Refuse(at, "must be a list");
        if (!isGiven && target[name] is not JsonArray) return;
        if (target[name] is JsonArray present && patch[DeleteFromList + name] is JsonArray gone) Remove(present, gone);
        var before = Take(target[name]);
        var places = FirstPlaces([.. order], list);
        if (places.ContainsKey("")) Refuse(at, $"an item of the order has no {list.MergeKey}");
        CheckOrder(value as JsonArray ?? [], list, places, at);
        var placesBefore = FirstPlaces(before, list);
        var merged = value is JsonArray items ? MergeItems(before, items, list, at) : before;
        target[name] = new JsonArray([.. Ordered(merged, list, places, placesBefore)]);
    }

    /// <summary>What the patch sets must be in the order, in the same sequence.</summary>
    private void CheckOrder(JsonArray items, Schema.List list, Dictionary<string, int> places, string path)
    {
        var last = -1;
        foreach (var item in items)
        {
            if (item is JsonObject members && members.ContainsKey(Directive)) continue;
            if (places.TryGetValue(KeyOf(item, list), out var place) && place >= last) last = place;
            else Refuse(path, "the items are not in the sequence of the order that is set");
        }
    }

    /// <summary>The items that the order names in its sequence; among them, in the sequence they had, those that it does not name.</summary>
    private static IEnumerable<JsonNode?> Ordered(List<JsonNode?> merged, Schema.List list, Dictionary<string, int> order, Dictionary<string, int> before)
    {
        var keyed = merged.ConvertAll(i => (Item: i, Key: KeyOf(i, list)));
        var named = new Queue<(JsonNode? Item, string Key)>(keyed.Where(i => order.ContainsKey(i.Key)).OrderBy(i => order[i.Key]));
        foreach (var (item, key) in keyed.Where(i => !order.ContainsKey(i.Key)).OrderBy(i => before.GetValueOrDefault(i.Key, int.MaxValue)))
        {
            var place = before.GetValueOrDefault(key, int.MaxValue);
            while (named.TryPeek(out var next) && (!before.TryGetValue(next.Key, out var other) || other <= place)) yield return named.Dequeue().Item;
            yield return item;
        }

        foreach (var (item, _) in named) yield return item;
    }

    private List<JsonNode?> MergeItems(List<JsonNode?> target, JsonArray patch, Schema.List list, string path)
    {
        if (list.MergeKey is null)
        {
            var present = target.Select(Identity).ToHashSet(StringComparer.Ordinal);
            target.AddRange(patch.Where(v => present.Add(Identity(v))).Select(v => v?.DeepClone()));
            return target;
        }

        var removed = new HashSet<string>(StringComparer.Ordinal);
        var isReplaced = false;
        var changes = new List<(JsonObject Item, string Key)>();
        foreach (var node in patch)
        {
            if (node is not JsonObject item)
            {
                Refuse(path, "each item must be an object");
                continue;
            }

            var directive = item.TryGetPropertyValue(Directive, out var value) ? TextOf(value) ?? "" : null;
            if (directive == "replace")
            {
                isReplaced = true;
                continue;
            }

            if (directive is not (null or "delete" or "merge")) Refuse(path, $"{Directive} must be replace, delete or merge");
            var key = KeyOf(item, list);
            if (key.Length == 0) Refuse(path, $"map does not contain declared merge key: {list.MergeKey}");
            if (directive == "delete") removed.Add(key);
            else changes.Add((item, key));
        }

        if (isReplaced) target = [];
        else target.RemoveAll(i => removed.Contains(KeyOf(i, list)));
        var places = FirstPlaces(target, list);
        foreach (var (item, key) in changes)
        {
            if (places.TryGetValue(key, out var place))
            {
                target[place] = Merge(target[place]!.AsObject(), item, list.Item, path);
            }
            else
            {
                places[key] = target.Count;
                target.Add(Merge([], item, list.Item, path));
            }
        }

        return target;
    }

    /// <summary>Where the first item of each key is.</summary>
    private static Dictionary<string, int> FirstPlaces(List<JsonNode?> items, Schema.List list)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++) places.TryAdd(KeyOf(items[i], list), i);
        return places;
    }

    /// <summary>What identifies an item; empty: it does not say.</summary>
    private static string KeyOf(JsonNode? item, Schema.List list)
    {
        if (list.MergeKey is null) return Identity(item);
        return item is JsonObject members && members.TryGetPropertyValue(list.MergeKey, out var key) && key is JsonValue ? Identity(key) : "";
    }

    private static string Identity(JsonNode? value) =>
        value is JsonValue scalar && Scalar.Of(scalar) is { } read ? read.ToJson() : value?.ToJsonString() ?? "null";

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>The items of a list without the list, so that they can be put into another.</summary>
    private static List<JsonNode?> Take(JsonNode? list)
    {
        if (list is not JsonArray items) return [];
        List<JsonNode?> taken = [.. items];
        items.Clear();
        return taken;
    }
}
