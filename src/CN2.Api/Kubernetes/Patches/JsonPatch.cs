using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>
/// A JSON patch (RFC 6902): operations in order, all or none. A test that fails and a path that leads nowhere refuse it (422). At most
/// <see cref="MaxOperations"/>, and copies add at most <see cref="MaxCopied"/> (413), both as in Kubernetes.
/// </summary>
public sealed class JsonPatch
{
    public const int MaxOperations = 10_000;

    /// <summary>Bytes, about, that all copies of one patch may add.</summary>
    public const long MaxCopied = 3 * 1024 * 1024;

    private JsonNode? _root;
    private long _copied;

    private JsonPatch(JsonObject root) => _root = root;

    /// <summary>The object after all operations. Neither argument is changed.</summary>
    public static PatchResult Apply(JsonObject current, JsonNode? patch)
    {
        if (patch is not JsonArray operations) return PatchResult.Malformed("the JSON patch must be a list of operations");
        if (operations.Count > MaxOperations)
            return PatchResult.TooLarge($"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        if (JsonForm.FaultOf(patch) is { } fault) return PatchResult.Malformed($"the JSON patch {fault}");

        var patched = new JsonPatch(current.DeepClone().AsObject());
        for (var i = 0; i < operations.Count; i++)
        {
            if (patched.Run(operations[i], $"operation {i}") is { } refused) return refused;
        }

        if (patched._root is not JsonObject result) return PatchResult.Invalid("the JSON patch leaves no object");
        return JsonForm.FaultOf(result) is { } outcome ? PatchResult.Invalid($"the patched object {outcome}") : new PatchResult.Done(result);
    }

    private PatchResult.Refused? Run(JsonNode? node, string where)
    {
        if (node is not JsonObject operation) return PatchResult.Malformed($"{where}: must be an object");
        if (TextOf(operation, "op") is not { } op) return PatchResult.Malformed($"{where}: op is missing");
        if (TextOf(operation, "path") is not { } text) return PatchResult.Malformed($"{where}: path is missing");
        if (JsonPointer.Parse(text) is not { } path) return PatchResult.Malformed($"{where}: path {text} is no JSON pointer");
        where = $"{where} ({op} {text})";

        var needsValue = op is "add" or "replace" or "test";
        if (needsValue && !operation.ContainsKey("value")) return PatchResult.Malformed($"{where}: value is missing");
        JsonPointer? from = null;
        if (op is "move" or "copy")
        {
            if (TextOf(operation, "from") is not { } source) return PatchResult.Malformed($"{where}: from is missing");
            from = JsonPointer.Parse(source);
            if (from is null) return PatchResult.Malformed($"{where}: from {source} is no JSON pointer");
        }

        var fault = op switch
        {
            "add" => Add(path, operation["value"]?.DeepClone()),
            "remove" => Remove(path, out _),
            "replace" => Replace(path, operation["value"]?.DeepClone()),
            "test" => Test(path, operation["value"]),
            "move" => Move(from!, path),
            "copy" => null,
            _ => "op must be add, remove, replace, move, copy or test",
        };
        if (fault is not null) return needsValue || op is "remove" or "move" ? PatchResult.Invalid($"{where}: {fault}") : PatchResult.Malformed($"{where}: {fault}");
        return op == "copy" ? Copy(from!, path, where) : null;
    }

    private static string? TextOf(JsonObject operation, string name) =>
        operation[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private string? Add(JsonPointer path, JsonNode? value)
    {
        if (path.Tokens.Count == 0)
        {
            _root = value;
            return null;
        }

        var token = path.Tokens[^1];
        switch (ParentOf(path))
        {
            case JsonObject members:
                members[token] = value;
                return null;
            case JsonArray items when token == "-":
                items.Add(value);
                return null;
            case JsonArray items when JsonPointer.IndexOf(token, items.Count + 1) is { } index:
                items.Insert(index, value);
                return null;
            case JsonArray:
                return $"{token} is no place in the list";
            default:
                return Missing;
        }
    }

    private string? Remove(JsonPointer path, out JsonNode? removed)
    {
        removed = null;
        if (path.Tokens.Count == 0) return "the whole object cannot be removed";
        var token = path.Tokens[^1];
        switch (ParentOf(path))
        {
            case JsonObject members when members.TryGetPropertyValue(token, out removed):
                members.Remove(token);
                return null;
            case JsonArray items when JsonPointer.IndexOf(token, items.Count) is { } index:
                removed = items[index];
                items.RemoveAt(index);
                return null;
            default:
                return Missing;
        }
    }

    private string? Replace(JsonPointer path, JsonNode? value)
    {
        if (!TryFind(path, out _)) return Missing;
        if (path.Tokens.Count == 0)
        {
            _root = value;
        }
        else if (ParentOf(path) is JsonObject members)
        {
            members[path.Tokens[^1]] = value;
        }
        else
        {
            var items = ParentOf(path)!.AsArray();
            items[JsonPointer.IndexOf(path.Tokens[^1], items.Count)!.Value] = value;
        }

        return null;
    }

    private string? Test(JsonPointer path, JsonNode? expected)
    {
        if (!TryFind(path, out var value)) return Missing;
        return JsonNode.DeepEquals(value, expected) ? null : "the value is another one";
    }

    private string? Move(JsonPointer from, JsonPointer path)
    {
        if (from.IsAbove(path)) return $"{from} cannot be moved into itself";
        if (!TryFind(from, out _)) return $"from {from} {Missing}";
        if (from.ToString() == path.ToString()) return null;
        return Remove(from, out var moved) ?? Add(path, moved);
    }

    private PatchResult.Refused? Copy(JsonPointer from, JsonPointer path, string where)
    {
        if (!TryFind(from, out var value)) return PatchResult.Invalid($"{where}: from {from} {Missing}");
        if (JsonForm.SizeOf(value, JsonForm.MaxDepth - path.Tokens.Count) is not { } size)
            return PatchResult.Invalid($"{where}: the object would be deeper than {JsonForm.MaxDepth} levels");
        _copied += size;
        if (_copied > MaxCopied) return PatchResult.TooLarge($"{where}: the copies of the patch exceed {MaxCopied} bytes");
        return Add(path, value?.DeepClone()) is { } fault ? PatchResult.Invalid($"{where}: {fault}") : null;
    }

    private const string Missing = "does not exist";

    private bool TryFind(JsonPointer path, out JsonNode? value)
    {
        value = _root;
        if (path.Tokens.Count == 0) return true;
        var token = path.Tokens[^1];
        switch (ParentOf(path))
        {
            case JsonObject members:
                return members.TryGetPropertyValue(token, out value);
            case JsonArray items when JsonPointer.IndexOf(token, items.Count) is { } index:
                value = items[index];
                return true;
            default:
                return false;
        }
    }

    private JsonNode? ParentOf(JsonPointer path)
    {
        var node = _root;
        foreach (var token in path.Tokens.SkipLast(1))
        {
            node = node switch
            {
                JsonObject members => members[token],
                JsonArray items when JsonPointer.IndexOf(token, items.Count) is { } index => items[index],
                _ => null,
            };
            if (node is null) return null;
        }

        return node;
    }
}
