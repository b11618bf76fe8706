using System.Globalization;
using System.Text;
using CN2.Api.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CN2.Api.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>: made with the first request and kept. The framework makes it anew for each request, which takes a tenth of a second of a processor, and
/// everybody may ask for it.
/// </summary>
internal sealed class KeptDocument([FromKeyedServices(KeptDocument.Name)] IOpenApiDocumentProvider provider)
{
    public const string Name = "v1";

    private readonly Lock _lock = new();
    private Task<ApiDocument>? _made;

    public async Task WriteAsync(HttpContext http) => await (await MadeAsync()).WriteAsync(http);

    /// <summary>The document, or the attempt to make it that others wait for already. One that has failed is forgotten.</summary>
    private Task<ApiDocument> MadeAsync()
    {
        lock (_lock)
        {
            if (_made is null or { IsFaulted: true } or { IsCanceled: true }) _made = Task.Run(MakeAsync);
            return _made;
        }
    }

    /// <summary>For all requests that wait, so none of them can cancel it.</summary>
    private async Task<ApiDocument> MakeAsync()
    {
        var document = await provider.GetOpenApiDocumentAsync(CancellationToken.None);
        await using var text = new StringWriter(CultureInfo.InvariantCulture);
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        return new ApiDocument("application/json;charset=utf-8", Encoding.UTF8.GetBytes(text.ToString()));
    }
}
