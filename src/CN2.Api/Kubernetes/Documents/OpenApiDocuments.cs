using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Documents;

/// <summary>The OpenAPI documents of the Kubernetes API, made once from <see cref="KubernetesResources"/>.</summary>
public sealed class OpenApiDocuments
{
    public const string V2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

    private static readonly Lazy<OpenApiDocuments> Made = new(() => new(KubernetesResources.All));

    private readonly Dictionary<string, ApiDocument> _groups = new(StringComparer.Ordinal);

    private OpenApiDocuments(IReadOnlyList<ResourceDefinition> resources)
    {
        var index = new JsonObject();
        foreach (var group in resources.GroupBy(PathWriter.Root))
        {
            var document = new ApiDocument("application/json", Bytes(Document([.. group], isV3: true)));
            _groups[group.Key] = document;
            index[group.Key] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{group.Key}?hash={document.Hash}" };
        }

        Index = new("application/json", Bytes(new JsonObject { ["paths"] = index }));
        var v2 = Document(resources, isV3: false);
        V2Json = new("application/json", Bytes(v2));
        V2 = new(V2Protobuf, GnosticDocument.Encode(v2));
    }

    public static OpenApiDocuments Instance => Made.Value;

    /// <summary>The answer to <c>/openapi/v3</c>: where the document of each group and version is.</summary>
    public ApiDocument Index { get; }

    /// <summary><c>/openapi/v2</c> as JSON.</summary>
    public ApiDocument V2Json { get; }

    /// <summary><c>/openapi/v2</c> as the protobuf message openapi.v2.Document, which kubectl asks for.</summary>
    public ApiDocument V2 { get; }

    /// <summary>The document of one group and version; null: there is none.</summary>
    /// <param name="root">As in the index: <c>api/v1</c> or <c>apis/GROUP/VERSION</c>.</param>
    public ApiDocument? Find(string root) => _groups.GetValueOrDefault(root);

    private static JsonObject Document(IReadOnlyList<ResourceDefinition> resources, bool isV3)
    {
        var schemas = new SchemaWriter(isV3);
        var paths = new JsonObject();
        var writer = new PathWriter(schemas, isV3);
        foreach (var resource in resources)
        {
            schemas.Add(resource);
            schemas.Add(MetaSchemas.DeleteOptions, "DeleteOptions", resource);
            schemas.Add(MetaSchemas.Status, "Status", KubernetesResources.All[0]);
            if (resource.Subresources.Any(s => s.Kind == "Binding")) schemas.Add(PodSchema.Binding, "Binding", resource);
            writer.Add(resource, paths);
        }

        var info = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1" };
        return isV3
            ? new() { ["openapi"] = "3.0.0", ["info"] = info, ["paths"] = paths, ["components"] = new JsonObject { ["schemas"] = schemas.Definitions() } }
            : new() { ["swagger"] = "2.0", ["info"] = info, ["paths"] = paths, ["definitions"] = schemas.Definitions() };
    }

    private static byte[] Bytes(JsonObject document) => JsonSerializer.SerializeToUtf8Bytes(document);
}
