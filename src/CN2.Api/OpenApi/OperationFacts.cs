using CN2.Api.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>What the description of an operation depends on.</summary>
/// <param name="Id">The operation's id, such as CreateService.</param>
/// <param name="Tag">The collection it belongs to, such as Services.</param>
/// <param name="Method">GET, POST, PUT, PATCH or DELETE.</param>
/// <param name="InNamespace">The path names a namespace.</param>
/// <param name="OfOne">The path names one resource.</param>
public sealed record OperationFacts(string Id, string Tag, string Method, OperationKind Kind, bool InNamespace, bool OfOne)
{
    public static OperationFacts Of(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var path = context.Description.RelativePath ?? "";
        var method = context.Description.HttpMethod ?? "GET";
        var tag = context.Description.ActionDescriptor.EndpointMetadata.OfType<ITagsMetadata>().SelectMany(t => t.Tags).FirstOrDefault() ?? "";
        var answersPage = context.Description.SupportedResponseTypes.Any(r => r.Type is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Page<>));
        var kind = method switch
        {
            "POST" => path.EndsWith(":batch", StringComparison.Ordinal) ? OperationKind.Batch : path.Contains("}:", StringComparison.Ordinal) ? OperationKind.Action : OperationKind.Create,
            "PUT" => OperationKind.Replace,
            "PATCH" => OperationKind.Patch,
            "DELETE" => OperationKind.Delete,
            _ => answersPage ? OperationKind.List : tag == "Watch" ? OperationKind.Watch : OperationKind.Read,
        };
        return new OperationFacts(
            operation.OperationId ?? "", tag, method, kind,
            path.Contains("{ns}", StringComparison.Ordinal), path.Contains("{name}", StringComparison.Ordinal) || IsSingle(path));
    }

    /// <summary>The path is of a resource that a namespace has once: PUT creates it, and no POST does.</summary>
    public static bool IsSingle(string path) => path.EndsWith("/grant", StringComparison.Ordinal);

    public bool Writes => Kind is OperationKind.Create or OperationKind.Batch or OperationKind.Replace or OperationKind.Patch or OperationKind.Delete or OperationKind.Action;

    /// <summary>One resource of the collection in words, such as Service.</summary>
    public string Resource => Tag.TrimEnd('s');
}
