using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Http;

/// <summary>Reads <c>application/json</c> bodies through <see cref="RequestJson"/>; faults go to <see cref="RequestValidation"/>.</summary>
public sealed class JsonInputFormatter : InputFormatter
{
    public JsonInputFormatter() => SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse("application/json"));

    public override bool CanRead(InputFormatterContext context) =>
        context.ModelType != typeof(MergePatch) && Is(context.HttpContext.Request, "application/json");

    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context)
    {
        var findings = RequestFindings.Of(context.HttpContext);
        if (await RequestBody.ReadAsync(context.HttpContext) is not { } body)
        {
            findings.Refusal = ApiProblem.PayloadTooLarge(RequestBody.LimitOf(context.HttpContext.Request));
            return await InputFormatterResult.FailureAsync();
        }

        var value = RequestJson.Read(body.Bytes, context.ModelType, findings.Faults, out var malformed);
        findings.Refusal = malformed;
        return value is null ? await InputFormatterResult.FailureAsync() : await InputFormatterResult.SuccessAsync(value);
    }

    /// <summary>True for exactly this media type in UTF-8; the framework would accept application/merge-patch+json as a kind of application/json.</summary>
    internal static bool Is(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Value.Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase));
}
