using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>From a form to the forms inside of it.</summary>
internal static class SchemaSteps
{
    /// <summary>The form of a member; null: nothing is known of it, and it is one value.</summary>
    public static Schema? Member(Schema? schema, string name) => schema switch
    {
        Schema.Structure structure => structure.Find(name)?.Schema,
        Schema.Map map => map.Value,
        _ => null,
    };

    /// <summary>The form below an element of a path.</summary>
    public static Schema? Below(Schema? schema, PathElement element) =>
        schema is Schema.List list ? list.Item : element.Kind == PathElementKind.Field ? Member(schema, element.Name) : null;

    /// <summary>Server-side apply owns the value as a whole.</summary>
    public static bool IsLeaf(Schema? schema, JsonNode? value) => schema switch
    {
        Schema.Structure structure => structure.IsAtomic || value is not JsonObject,
        Schema.Map map => map.IsAtomic || value is not JsonObject,
        Schema.List list => list.Kind == ListKind.Atomic || value is not JsonArray,
        _ => true,
    };

    /// <summary>The member is named by the form, so that it is there whenever something inside of it is.</summary>
    public static bool Names(Schema? schema, string member) => schema is Schema.Structure structure && structure.Find(member) is not null;

    /// <summary>What identifies an item among the others of its list, or what is wrong with it.</summary>
    public static (PathElement? Element, string? Fault) Identify(Schema.List list, JsonNode? item)
    {
        if (list.Kind == ListKind.Set)
        {
            return item is JsonValue value && Scalar.Of(value) is { } scalar
                ? (PathElement.OfValue(scalar), null)
                : (null, "a list without keys has an item that is no string, number or flag");
        }

        if (item is not JsonObject members) return (null, "a list with keys has an item that is no object");
        var keys = new List<KeyValuePair<string, Scalar>>(list.Keys.Count);
        foreach (var name in list.Keys)
        {
            var key = members[name] ?? Default(list.Item, name);
            if (key is null) continue; // an item without it is another one than an item with it
            if (key is not JsonValue value || Scalar.Of(value) is not { } scalar) return (null, $"the key {name} of an item is no string, number or flag");
            keys.Add(new(name, scalar));
        }

        return keys.Count > 0 ? (PathElement.OfKeys(keys), null) : (null, $"an item has none of the keys {string.Join(", ", list.Keys)}");
    }

    private static JsonNode? Default(Schema item, string name) =>
        item is Schema.Structure structure && structure.Find(name)?.Default is { } json ? JsonNode.Parse(json) : null;
}
