using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Documents;

/// <summary>Writes forms as OpenAPI schemas. Structures with a name become definitions of their own, each once.</summary>
/// <param name="isV3">OpenAPI 3.0; false: 2.0, which has no oneOf, and no siblings of a reference that count.</param>
internal sealed class SchemaWriter(bool isV3)
{
    private const string IntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
    private const string Quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
    private const string Time = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
    private const string MicroTime = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";

    private readonly SortedDictionary<string, JsonObject?> _definitions = new(StringComparer.Ordinal);

    /// <summary>All definitions so far, sorted by name.</summary>
    public JsonObject Definitions() => [.. _definitions.Select(d => KeyValuePair.Create(d.Key, (JsonNode?)d.Value))];

    /// <summary>A kind and its list.</summary>
    public void Add(ResourceDefinition resource)
    {
        Define(resource.Schema);
        AddKinds(resource.Schema.Name!, resource.Kind, resource);
        if (!resource.Verbs.Contains("list")) return;
        var list = new Schema.Structure(ListName(resource), $"A list of {resource.Plural}.",
        [
            new("apiVersion", 0, new Schema.Text(), "The group and version of the list's form."),
            new("items", 2, new Schema.List(resource.Schema), "The objects.") { IsRequired = true },
            new("kind", 0, new Schema.Text(), "The kind of the list."),
            new("metadata", 1, MetaSchemas.ListMeta, "The state of the list."),
        ]);
        Define(list);
        AddKinds(list.Name!, resource.Kind + "List", resource);
    }

    /// <summary>A structure that is no kind of a resource, with the kind that it is.</summary>
    public void Add(Schema.Structure form, string kind, ResourceDefinition of)
    {
        Define(form);
        AddKinds(form.Name!, kind, of);
    }

    public static string ListName(ResourceDefinition resource) => resource.Schema.Name + "List";

    public JsonObject Reference(string name) => new() { ["$ref"] = (isV3 ? "#/components/schemas/" : "#/definitions/") + name };

    public static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["kind"] = kind, ["version"] = version };

    private void AddKinds(string name, string kind, ResourceDefinition resource)
    {
        var kinds = _definitions[name]!["x-kubernetes-group-version-kind"] as JsonArray ?? [];
        if (kinds.Any(k => (string?)k!["group"] == resource.Group && (string?)k["version"] == resource.Version)) return;
        kinds.Add(Kind(resource.Group, resource.Version, kind));
        _definitions[name]!["x-kubernetes-group-version-kind"] = kinds;
    }

    private void Define(Schema.Structure form)
    {
        if (!_definitions.TryAdd(form.Name!, null)) return;
        _definitions[form.Name!] = Structure(form);
    }

    private JsonObject Structure(Schema.Structure form)
    {
        var properties = new JsonObject();
        foreach (var field in form.Fields) properties[field.Name] = Property(field);
        var result = new JsonObject { ["description"] = form.Description, ["type"] = "object" };
        if (form.Fields.Count > 0) result["properties"] = properties;
        var required = form.Fields.Where(f => f.IsRequired).Select(f => (JsonNode?)f.Name).ToArray();
        if (required.Length > 0) result["required"] = new JsonArray(required);
        if (form.IsAtomic) result["x-kubernetes-map-type"] = "atomic";
        if (form.KeepsUnknown) result["x-kubernetes-preserve-unknown-fields"] = true;
        return result;
    }

    private JsonObject Property(Field field)
    {
        var schema = Write(field.Schema);
        if (isV3 && schema.ContainsKey("$ref")) schema = new JsonObject { ["allOf"] = new JsonArray(schema) };
        schema["description"] = field.Description;
        if (field.Default is not null && !(schema.ContainsKey("$ref") && !isV3)) schema["default"] = JsonNode.Parse(field.Default);
        if (field.Schema is Schema.List { MergeKey: var key, Kind: var kind } && (key is not null || kind == ListKind.Set))
        {
            if (key is not null) schema["x-kubernetes-patch-merge-key"] = key;
            schema["x-kubernetes-patch-strategy"] = field.RetainsKeys ? "merge,retainKeys" : "merge";
        }
        else if (field.RetainsKeys)
        {
            schema["x-kubernetes-patch-strategy"] = "retainKeys";
        }

        return schema;
    }

    private JsonObject Write(Schema schema)
    {
        switch (schema)
        {
            case Schema.Structure { Name: not null } form:
                Define(form);
                return Reference(form.Name);
            case Schema.Structure form:
                return Structure(form);
            case Schema.Text { Values: { } values }:
                return new() { ["type"] = "string", ["enum"] = new JsonArray([.. values.Select(v => (JsonNode?)v)]) };
            case Schema.Text:
                return new() { ["type"] = "string" };
            case Schema.Flag:
                return new() { ["type"] = "boolean" };
            case Schema.Number { IsLong: var isLong }:
                return new() { ["type"] = "integer", ["format"] = isLong ? "int64" : "int32" };
            case Schema.NumberOrText:
                return Named(IntOrString, "A number or a word.", "string", "int-or-string", "integer", "string");
            case Schema.Quantity:
                return Named(Quantity, "An amount such as 100m or 64Mi.", "string", null, "string", "number");
            case Schema.Time { HasMicroseconds: var hasMicroseconds }:
                return Named(hasMicroseconds ? MicroTime : Time, "A time as RFC 3339.", "string", "date-time");
            case Schema.Map map:
                var entries = new JsonObject { ["type"] = "object", ["additionalProperties"] = Write(map.Value) };
                if (map.IsAtomic) entries["x-kubernetes-map-type"] = "atomic";
                return entries;
            case Schema.List list:
                return List(list);
            default:
                return new() { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        }
    }

    private JsonObject List(Schema.List list)
    {
        var result = new JsonObject { ["type"] = "array", ["items"] = Write(list.Item) };
        if (list.Kind == ListKind.Map) result["x-kubernetes-list-map-keys"] = new JsonArray([.. list.Keys.Select(k => (JsonNode?)k)]);
        result["x-kubernetes-list-type"] = list.Kind switch { ListKind.Map => "map", ListKind.Set => "set", _ => "atomic" };
        return result;
    }

    private JsonObject Named(string name, string description, string type, string? format, params IReadOnlyList<string> oneOf)
    {
        if (!_definitions.ContainsKey(name))
        {
            var definition = new JsonObject { ["description"] = description };
            if (isV3 && oneOf.Count > 0) definition["oneOf"] = new JsonArray([.. oneOf.Select(t => (JsonNode?)new JsonObject { ["type"] = t })]);
            else definition["type"] = type;
            if (format is not null) definition["format"] = format;
            _definitions[name] = definition;
        }

        return Reference(name);
    }
}
