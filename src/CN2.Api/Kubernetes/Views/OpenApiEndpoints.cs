using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Documents;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Wire;
using Microsoft.AspNetCore.Http.Extensions;

namespace CN2.Api.Kubernetes.Views;

/// <summary><c>/openapi/v2</c> and <c>/openapi/v3</c>.</summary>
internal static class OpenApiEndpoints
{
    /// <summary>All names under which clients ask for openapi.v2.Document as protobuf; an @ is no character of a media type, and newer ones leave it out.</summary>
    private static readonly string[] Protobuf =
    [
        OpenApiDocuments.V2Protobuf, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "application/com.github.googleapis.gnostic.openapiv2@68f4ded+protobuf",
    ];

    public static void MapKubernetesOpenApi(this IEndpointRouteBuilder app)
    {
        var open = new OpenToAllAttribute();
        app.MapView("/openapi/v2", http => DocumentAnswer.WriteAsync(http, V2Of(http.Request.Headers.Accept))).WithMetadata(open);
        app.MapView("/openapi/v3", http => DocumentAnswer.WriteAsync(http, OfJson(http, OpenApiDocuments.Instance.Index))).WithMetadata(open);
        foreach (var root in KubernetesResources.All.Select(r => r.Group.Length == 0 ? $"api/{r.Version}" : $"apis/{r.ApiVersion}").Distinct())
            app.MapView($"/openapi/v3/{root}", http => WriteGroupAsync(http, root)).WithMetadata(open);
    }

    /// <summary>A client that knows the hash may keep the document forever; one that knows an older hash is sent to the newer.</summary>
    private static Task WriteGroupAsync(HttpContext http, string root)
    {
        var document = OpenApiDocuments.Instance.Find(root)!;
        var hash = http.Request.Query["hash"].ToString();
        if (hash.Length == 0) return DocumentAnswer.WriteAsync(http, OfJson(http, document));
        if (hash == document.Hash) return DocumentAnswer.WriteAsync(http, OfJson(http, document), DocumentAnswer.Immutable);
        http.Response.StatusCode = StatusCodes.Status301MovedPermanently;
        http.Response.Headers.Location = http.Request.Path + new QueryBuilder { { "hash", document.Hash } }.ToQueryString();
        return Task.CompletedTask;
    }

    private static ApiDocument? V2Of(string? accept)
    {
        foreach (var clause in AcceptClause.Parse(accept))
        {
            if (Protobuf.Contains(clause.MediaType)) return OpenApiDocuments.Instance.V2;
            if (clause.Takes(BodyReader.Json)) return OpenApiDocuments.Instance.V2Json;
        }

        return null;
    }

    private static ApiDocument? OfJson(HttpContext http, ApiDocument document) => AcceptClause.Parse(http.Request.Headers.Accept).Any(c => c.Takes(BodyReader.Json)) ? document : null;
}
