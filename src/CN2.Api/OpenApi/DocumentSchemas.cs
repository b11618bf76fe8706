using CN2.Network.Resources;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>What the schemas of the whole document need, once all of them are known.</summary>
internal static class DocumentSchemas
{
    private const string Labels = "Labels";
    private const string Annotations = "Annotations";

    public static void Finish(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        var requests = Requests(document);
        foreach (var (id, schema) in schemas.Select(s => (s.Key, (OpenApiSchema)s.Value))) ShapeMembers(schema, isAnswer: !requests.Contains(id));
        foreach (var schema in schemas.Values.OfType<OpenApiSchema>()) ShareEnums(schema, document);
        document.AddComponent<IOpenApiSchema>(Labels, Map("Labels by their key, in the syntax of Kubernetes.", JsonSchemaType.String, Limits.Labels));
        document.AddComponent<IOpenApiSchema>(Annotations, Map("Texts by their key.", JsonSchemaType.String, Limits.Annotations));
        foreach (var schema in schemas.Values.OfType<OpenApiSchema>().ToList()) ShareMaps(schema, document);
        AddMergePatches(document);
        DescribeAnswers(schemas);
    }

    private static OpenApiSchema Map(string description, JsonSchemaType values, int? most = null) =>
        new() { Type = JsonSchemaType.Object, Description = description, MaxProperties = most, AdditionalProperties = new OpenApiSchema { Type = values } };

    /// <summary>The schemas that request bodies have, and those below them.</summary>
    private static HashSet<string> Requests(OpenApiDocument document)
    {
        var found = new HashSet<string>();
        var open = new Stack<IOpenApiSchema?>(document.Paths.Values.SelectMany(p => p.Operations!.Values).Select(o => o.RequestBody?.Content?.Values.Single().Schema));
        while (open.TryPop(out var schema))
        {
            if (schema is null || (schema is OpenApiSchemaReference { Reference.Id: { } id } && !found.Add(id))) continue;
            foreach (var part in (schema.Properties?.Values ?? []).Concat(schema.OneOf ?? []).Append(schema.Items)) open.Push(part);
        }

        return found;
    }

    /// <summary>
    /// In an answer every member is there, but for those that are left out when they are null, and clients must expect new ones.
    /// A member that may be null has its description beside <c>oneOf</c>; one that is required in a request, or left out of an answer, is never null.
    /// </summary>
    private static void ShapeMembers(OpenApiSchema schema, bool isAnswer)
    {
        if (schema.Properties is null) return;
        var leftOut = schema.Metadata is { } facts && facts.TryGetValue(SchemaDescription.LeftOut, out var names) ? (HashSet<string>)names : [];
        if (isAnswer)
        {
            schema.AdditionalPropertiesAllowed = true;
            schema.Required = schema.Properties.Keys.Where(n => !leftOut.Contains(n)).ToHashSet();
        }

        foreach (var (name, member) in schema.Properties.ToList())
        {
            var neverNull = isAnswer ? leftOut.Contains(name) : schema.Required?.Contains(name) ?? false;
            if (member is not OpenApiSchema own) continue;
            if (neverNull) own.Type &= ~JsonSchemaType.Null;
            if (own.OneOf?.OfType<OpenApiSchemaReference>().SingleOrDefault() is not { } reference) continue;
            if (neverNull)
            {
                schema.Properties[name] = reference;
            }
            else
            {
                own.Description ??= reference.Reference.Description;
                reference.Reference.Description = null;
            }
        }
    }

    /// <summary>The generator repeats an enum in every array of it.</summary>
    private static void ShareEnums(OpenApiSchema schema, OpenApiDocument document)
    {
        foreach (var array in schema.Properties?.Values.OfType<OpenApiSchema>() ?? [])
        {
            if (array.Items is not OpenApiSchema { Enum: { } words }) continue;
            var (id, _) = document.Components!.Schemas!.Single(s => s.Value.Enum is { } known && known.Select(w => (string?)w).SequenceEqual(words.Select(w => (string?)w)));
            array.Items = new OpenApiSchemaReference(id, document);
        }
    }

    /// <summary>One schema for labels and one for annotations, so that generators make one class of each.</summary>
    private static void ShareMaps(OpenApiSchema schema, OpenApiDocument document)
    {
        foreach (var (name, member) in schema.Properties?.ToList() ?? [])
        {
            if (member is not OpenApiSchema { AdditionalProperties: OpenApiSchema { Type: JsonSchemaType.String } } map) continue;
            var shared = name == "annotations" ? Annotations : Labels;
            schema.Properties![name] = map.Type!.Value.HasFlag(JsonSchemaType.Null)
                ? new OpenApiSchema { Description = map.Description, OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, new OpenApiSchemaReference(shared, document)] }
                : new OpenApiSchemaReference(shared, document) { Description = map.Description };
        }
    }

    /// <summary>
    /// A merge patch (RFC 7396) of a resource has the members of its PUT, none of them required. Below the top level it needs no schema of
    /// its own: objects have optional members only, arrays are replaced whole; in a map, null removes a key.
    /// </summary>
    private static void AddMergePatches(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        foreach (var item in document.Paths.Values)
        {
            if (MediaOf(item, HttpMethod.Patch) is not { } patch || MediaOf(item, HttpMethod.Put)?.Schema is not OpenApiSchemaReference { Reference.Id: { } request }) continue;
            var id = request.Replace("Request", "Patch", StringComparison.Ordinal);
            patch.Schema = new OpenApiSchemaReference(id, document);
            if (schemas.ContainsKey(id)) continue;
            var put = (OpenApiSchema)schemas[request];
            document.AddComponent<IOpenApiSchema>(id, new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "A JSON merge patch (RFC 7396): members given replace, null restores the default, objects are merged, arrays are replaced as a whole.",
                Properties = put.Properties!.ToDictionary(p => p.Key, IOpenApiSchema (p) => OrNull(p.Value)),
            });
        }

        schemas.Remove("MergePatch");
    }

    private static OpenApiMediaType? MediaOf(IOpenApiPathItem item, HttpMethod method) =>
        item.Operations!.GetValueOrDefault(method)?.RequestBody?.Content?.Values.OfType<OpenApiMediaType>().Single();

    private static OpenApiSchema OrNull(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchemaReference)
        {
            var copy = (OpenApiSchemaReference)schema.CreateShallowCopy();
            copy.Reference.Description = null;
            return new OpenApiSchema { Description = schema.Description, OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, copy] };
        }

        if (schema is OpenApiSchema { OneOf: [_, OpenApiSchemaReference { Reference.Id: Labels or Annotations }] })
        {
            var map = Map(schema.Description + " Null removes a key.", JsonSchemaType.String | JsonSchemaType.Null);
            map.Type |= JsonSchemaType.Null;
            return map;
        }

        var own = (OpenApiSchema)schema.CreateShallowCopy();
        if (own.Type is { } type) own.Type = type | JsonSchemaType.Null;
        return own;
    }

    /// <summary>A member of an answer that has no description of its own is what the member of the request with the same name says.</summary>
    private static void DescribeAnswers(IDictionary<string, IOpenApiSchema> schemas)
    {
        foreach (var (id, schema) in schemas)
        {
            var request = RequestOf(id, schemas);
            foreach (var (name, member) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
            {
                if (string.IsNullOrEmpty(Own(member)) && request?.Properties is { } members && members.TryGetValue(name, out var asked)) member.Description = Own(asked);
            }
        }
    }

    private static IOpenApiSchema? RequestOf(string answer, IDictionary<string, IOpenApiSchema> schemas)
    {
        var stem = answer.EndsWith("Resource", StringComparison.Ordinal) ? answer[..^"Resource".Length] : answer.EndsWith("Spec", StringComparison.Ordinal) ? answer[..^"Spec".Length] : answer;
        return schemas.TryGetValue(stem + "Request", out var request) || schemas.TryGetValue(stem + "Body", out request) ? request : null;
    }

    private static string? Own(IOpenApiSchema schema) => schema is OpenApiSchemaReference reference ? reference.Reference.Description : schema.Description;
}
