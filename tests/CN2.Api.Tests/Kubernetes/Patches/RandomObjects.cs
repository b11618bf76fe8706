using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Patches;

internal static class RandomObjects
{
    /// <summary>An object of the small kind with some of its fields. Nothing in it is empty.</summary>
    public static JsonObject Next(Random random, bool distinctPorts = false)
    {
        var spec = new JsonObject { ["type"] = Word(random) };
        var metadata = new JsonObject { ["name"] = "s" };
        if (Half(random)) spec["externalIP"] = Word(random);
        if (Half(random)) spec["sources"] = Words(random);
        if (Half(random)) spec["selector"] = Map(random);
        if (Half(random)) spec["extra"] = new JsonObject { ["x"] = Words(random) };
        if (Half(random)) spec["strategy"] = new JsonObject { ["type"] = Word(random), ["rolling"] = Map(random) };
        if (Half(random)) metadata["labels"] = Map(random);
        if (Half(random)) metadata["finalizers"] = Words(random);
        if (Half(random)) spec["ports"] = Ports(random, distinctPorts);
        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Service", ["metadata"] = metadata, ["spec"] = spec };
    }

    private static bool Half(Random random) => random.Next(2) == 0;

    private static string Word(Random random) => ((string[])["a", "b", "c", "d\"e"])[random.Next(4)];

    private static JsonArray Words(Random random)
    {
        string[] words = ["a", "b", "c", "<d>"];
        random.Shuffle(words);
        return new JsonArray([.. words.Take(random.Next(1, 4)).Select(w => (JsonNode)w)]);
    }

    private static JsonObject Map(Random random)
    {
        var map = new JsonObject { [Word(random)] = Word(random) };
        map[Word(random)] = Word(random);
        return map;
    }

    private static JsonArray Ports(Random random, bool distinct)
    {
        int[] numbers = [53, 80, 443, 8080];
        random.Shuffle(numbers);
        var ports = new JsonArray();
        foreach (var number in numbers.Take(random.Next(1, 5)))
        {
            var port = new JsonObject { ["port"] = number };
            if (!distinct && Half(random)) port["protocol"] = Half(random) ? "UDP" : "TCP";
            if (Half(random)) port["name"] = Word(random);
            if (Half(random)) port["targetPort"] = Half(random) ? 81 : "http";
            ports.Add((JsonNode)port);
        }

        return ports;
    }

    /// <summary>The strategic merge patch that a client makes of two objects.</summary>
    public static JsonObject Patch(JsonObject before, JsonObject after, Schema schema)
    {
        var patch = new JsonObject();
        foreach (var name in before.Select(m => m.Key).Where(n => !after.ContainsKey(n)).ToList()) patch[name] = null;
        foreach (var (name, now) in after)
        {
            var was = before[name];
            if (JsonNode.DeepEquals(was, now)) continue;
            var form = schema is Schema.Map map ? map.Value : (schema as Schema.Structure)?.Find(name)?.Schema;
            if (was is JsonObject a && now is JsonObject b && form is not Schema.Free) patch[name] = Patch(a, b, form!);
            else if (was is JsonArray old && now is JsonArray items && form is Schema.List { MergeKey: { } key } list) PatchItems(patch, name, old, items, list, key);
            else if (was is JsonArray set && now is JsonArray values && form is Schema.List { Kind: ListKind.Set }) PatchValues(patch, name, set, values);
            else if (was is JsonObject && now is JsonObject other) patch[name] = new JsonObject([.. other.Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone())), new("$patch", "replace")]);
            else patch[name] = now?.DeepClone();
        }

        return patch;
    }

    private static void PatchItems(JsonObject patch, string name, JsonArray old, JsonArray items, Schema.List list, string key)
    {
        JsonObject? Same(JsonArray others, JsonNode? item) => others.FirstOrDefault(o => JsonNode.DeepEquals(o![key], item![key])) as JsonObject;
        var changes = new JsonArray();
        foreach (var item in items)
        {
            var change = Same(old, item) is { } was ? Patch(was, item!.AsObject(), list.Item) : item!.DeepClone().AsObject();
            if (change.Count == 0) continue;
            change[key] = item[key]!.DeepClone();
            changes.Add((JsonNode)change);
        }

        foreach (var item in old.Where(o => Same(items, o) is null)) changes.Add((JsonNode)new JsonObject { ["$patch"] = "delete", [key] = item![key]!.DeepClone() });
        if (changes.Count > 0) patch[name] = changes;
        patch[$"$setElementOrder/{name}"] = new JsonArray([.. items.Select(i => (JsonNode)new JsonObject { [key] = i![key]!.DeepClone() })]);
    }

    private static void PatchValues(JsonObject patch, string name, JsonArray old, JsonArray values)
    {
        var added = values.Where(v => !old.Any(o => JsonNode.DeepEquals(o, v))).Select(v => v!.DeepClone()).ToArray();
        var gone = old.Where(o => !values.Any(v => JsonNode.DeepEquals(o, v))).Select(v => v!.DeepClone()).ToArray();
        if (added.Length > 0) patch[name] = new JsonArray(added);
        if (gone.Length > 0) patch[$"$deleteFromPrimitiveList/{name}"] = new JsonArray(gone);
        patch[$"$setElementOrder/{name}"] = values.DeepClone();
    }
}
