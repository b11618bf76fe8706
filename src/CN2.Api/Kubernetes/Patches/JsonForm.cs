using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>Bounds of what a client sent, so that what follows may recurse and read texts without care.</summary>
internal static class JsonForm
{
    /// <summary>Levels of objects and lists, as of the parser of request bodies.</summary>
    public const int MaxDepth = 64;

    /// <summary>Values in one document.</summary>
    public const int MaxValues = 1_000_000;

    /// <summary>The fault of a document, or null: too deep, too many values, half a surrogate pair, a member twice.</summary>
    public static string? FaultOf(JsonNode? node)
    {
        var left = MaxValues;
        try
        {
            return FaultOf(node, 1, ref left);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            return "has a text that is not Unicode, or a member twice"; // nodes read their texts and members when first asked
        }
    }

    private static string? FaultOf(JsonNode? node, int depth, ref int left)
    {
        if (--left < 0) return $"has more than {MaxValues} values";
        if (node is JsonValue value)
        {
            if (value.GetValueKind() == JsonValueKind.String) _ = value.GetValue<string>();
            return null;
        }

        if (node is null) return null;
        if (depth > MaxDepth) return $"is deeper than {MaxDepth} levels";
        if (node is JsonObject members)
        {
            foreach (var (_, inner) in members)
            {
                if (FaultOf(inner, depth + 1, ref left) is { } fault) return fault;
            }
        }
        else if (node is JsonArray items)
        {
            foreach (var inner in items)
            {
                if (FaultOf(inner, depth + 1, ref left) is { } fault) return fault;
            }
        }

        return null;
    }

    /// <summary>About as many bytes as the value has as JSON, and null when it is deeper than <paramref name="depth"/> levels.</summary>
    public static long? SizeOf(JsonNode? node, int depth)
    {
        const int Scalar = 8;
        switch (node)
        {
            case JsonValue value:
                return value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>().Length + 2 : Scalar;
            case null:
                return Scalar;
        }

        if (depth <= 0) return null;
        long sum = 2;
        if (node is JsonObject members)
        {
            foreach (var (name, inner) in members)
            {
                if (SizeOf(inner, depth - 1) is not { } size) return null;
                sum += size + name.Length + 4;
            }
        }
        else
        {
            foreach (var inner in node.AsArray())
            {
                if (SizeOf(inner, depth - 1) is not { } size) return null;
                sum += size + 1;
            }
        }

        return sum;
    }

    /// <summary>A clone without the members that are null.</summary>
    public static JsonNode? WithoutNulls(JsonNode? node)
    {
        if (node is JsonArray items) return new JsonArray([.. items.Select(WithoutNulls)]);
        if (node is not JsonObject members) return node?.DeepClone();
        var kept = new JsonObject();
        foreach (var (name, value) in members)
        {
            if (value is not null) kept[name] = WithoutNulls(value);
        }

        return kept;
    }
}
