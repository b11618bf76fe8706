using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Documents;

/// <summary>
/// Writes the paths of a resource, as far as clients read them: kubectl finds a kind by the extension of an operation, and learns from the
/// parameters of its PATCH whether the server validates fields and knows dry runs.
/// </summary>
internal sealed class PathWriter(SchemaWriter schemas, bool isV3)
{
    private static readonly (string Name, string Type, string Description)[] WriteParameters =
    [
        ("dryRun", "string", "All: nothing is kept, the answer is as if it were."),
        ("fieldManager", "string", "The name of the writer."),
        ("fieldValidation", "string", "What becomes of unknown fields: Ignore, Warn or Strict."),
    ];

    private static readonly string[] PatchTypes =
        ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];

    private static readonly (string Verb, string Method, string Action)[] OfItem =
        [("delete", "delete", "delete"), ("get", "get", "get"), ("patch", "patch", "patch"), ("update", "put", "put")];

    private static readonly (string Verb, string Method, string Action)[] OfCollection =
        [("deletecollection", "delete", "deletecollection"), ("list", "get", "list"), ("create", "post", "post")];

    /// <summary>kubectl sends a strategic merge patch where it is listed: of a custom resource none is taken.</summary>
    private static string[] PatchTypesOf(ResourceDefinition resource) =>
        resource.IsNative ? PatchTypes : [.. PatchTypes.Where(t => !t.Contains("strategic", StringComparison.Ordinal))];

    /// <summary>The start of all paths of a group and version, without a slash at its ends.</summary>
    public static string Root(ResourceDefinition resource) => resource.Group.Length == 0 ? $"api/{resource.Version}" : $"apis/{resource.Group}/{resource.Version}";

    public void Add(ResourceDefinition resource, JsonObject paths)
    {
        var root = "/" + Root(resource);
        if (resource.IsNamespaced && resource.Verbs.Contains("list")) Path(resource, $"{root}/{resource.Plural}", [("list", "get", "list")], paths, "AllNamespaces");
        var collection = resource.IsNamespaced ? $"{root}/namespaces/{{namespace}}/{resource.Plural}" : $"{root}/{resource.Plural}";
        Path(resource, collection, OfCollection, paths, "");
        Path(resource, collection + "/{name}", OfItem, paths, "");
        foreach (var part in resource.Subresources)
        {
            var operations = part.Verbs.Contains("create") ? [("create", "post", "post")] : OfItem.Where(o => part.Verbs.Contains(o.Verb)).ToArray();
            var kind = part.Kind == resource.Kind ? resource.Schema : PodSchema.Binding;
            Write($"{collection}/{{name}}/{part.Name}", operations, paths, resource, part.Kind, kind.Name!, part.Name);
        }
    }

    private void Path(ResourceDefinition resource, string path, (string Verb, string Method, string Action)[] operations, JsonObject paths, string suffix) =>
        Write(path, [.. operations.Where(o => resource.Verbs.Contains(o.Verb))], paths, resource, resource.Kind, resource.Schema.Name!, suffix);

    private void Write(
        string path, (string Verb, string Method, string Action)[] operations, JsonObject paths, ResourceDefinition resource, string kind, string schema, string suffix)
    {
        if (operations.Length == 0) return;
        var item = new JsonObject();
        foreach (var (verb, method, action) in operations)
        {
            var answer = verb is "delete" or "deletecollection" ? MetaSchemas.Status.Name! : verb == "list" ? SchemaWriter.ListName(resource) : schema;
            item[method] = Operation(resource, kind, verb, action, schema, answer, $"{action}{resource.Version}{resource.Group}{kind}{suffix}".Replace(".", "", StringComparison.Ordinal));
        }

        var parameters = new JsonArray();
        foreach (var name in new[] { "name", "namespace" })
        {
            if (path.Contains($"{{{name}}}", StringComparison.Ordinal)) parameters.Add(Parameter(name, "path", "string", $"The {name} of the object.", isRequired: true));
        }

        if (parameters.Count > 0) item["parameters"] = parameters;
        paths[path] = item;
    }

    private JsonObject Operation(ResourceDefinition resource, string kind, string verb, string action, string schema, string answer, string id)
    {
        var parameters = new JsonArray();
        var isWrite = verb is "create" or "update" or "patch";
        if (isWrite) foreach (var (name, type, description) in WriteParameters) parameters.Add(Parameter(name, "query", type, description));
        if (verb == "patch") parameters.Add(Parameter("force", "query", "boolean", "An apply takes fields from other writers."));
        if (verb.StartsWith("delete", StringComparison.Ordinal)) parameters.Add(Parameter("dryRun", "query", "string", WriteParameters[0].Description));
        string[] types = verb == "patch" ? PatchTypesOf(resource) : ["application/json", "application/yaml"];
        var body = isWrite ? schema : verb.StartsWith("delete", StringComparison.Ordinal) ? MetaSchemas.DeleteOptions.Name! : null;
        var result = new JsonObject { ["operationId"] = id, ["description"] = $"{action} {kind}" };
        if (isV3)
        {
            if (body is not null) result["requestBody"] = new JsonObject { ["content"] = Content(types, verb == "patch" ? null : body) };
            result["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK", ["content"] = Content(["application/json", "application/yaml"], answer) } };
        }
        else
        {
            result["consumes"] = new JsonArray([.. types.Select(t => (JsonNode?)t)]);
            result["produces"] = new JsonArray("application/json", "application/yaml");
            if (body is not null)
            {
                parameters.Add(new JsonObject
                {
                    ["name"] = "body",
                    ["in"] = "body",
                    ["required"] = isWrite,
                    ["schema"] = verb == "patch" ? new JsonObject { ["type"] = "object" } : schemas.Reference(body),
                });
            }

            result["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK", ["schema"] = schemas.Reference(answer) } };
        }

        if (parameters.Count > 0) result["parameters"] = parameters;
        result["x-kubernetes-action"] = action;
        result["x-kubernetes-group-version-kind"] = kind == "Binding" ? SchemaWriter.Kind("", "v1", kind) : SchemaWriter.Kind(resource.Group, resource.Version, kind);
        return result;
    }

    private JsonObject Content(string[] types, string? schema) =>
        [.. types.Select(t => KeyValuePair.Create(t, (JsonNode?)new JsonObject { ["schema"] = schema is null ? new JsonObject { ["type"] = "object" } : schemas.Reference(schema) }))];

    private JsonObject Parameter(string name, string place, string type, string description, bool isRequired = false)
    {
        var result = new JsonObject { ["name"] = name, ["in"] = place, ["description"] = description };
        if (isRequired) result["required"] = true;
        if (isV3) result["schema"] = new JsonObject { ["type"] = type };
        else result["type"] = type;
        return result;
    }
}
