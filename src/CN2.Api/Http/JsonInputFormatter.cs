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
            findings.Refusal = ApiProblem.PayloadTooLarge(RequestBody.Limit);
            return await InputFormatterResult.FailureAsync();
        }

        var value = RequestJson.Read(body.Bytes, context.ModelType, findings.Faults, out var malformed);
        findings.Refusal = malformed;
        return value is null ? await InputFormatterResult.FailureAsync() : await InputFormatterResult.SuccessAsync(value);
    }

    /// <summary>Exactly this type (the framework would take application/merge-patch+json for a kind of application/json), in UTF-8.</summary>
    internal static bool Is(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Value.Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase));
}

/// <summary>Reads <c>application/merge-patch+json</c> bodies (RFC 7396) of PATCH.</summary>
public sealed class MergePatchInputFormatter : InputFormatter
{
    public MergePatchInputFormatter() => SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse(MergePatch.ContentType));

    public override bool CanRead(InputFormatterContext context) =>
        context.ModelType == typeof(MergePatch) && JsonInputFormatter.Is(context.HttpContext.Request, MergePatch.ContentType);

    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context)
    {
        var findings = RequestFindings.Of(context.HttpContext);
        if (await RequestBody.ReadAsync(context.HttpContext) is not { } body)
        {
            findings.Refusal = ApiProblem.PayloadTooLarge(RequestBody.Limit);
            return await InputFormatterResult.FailureAsync();
        }

        var patch = RequestJson.ReadObject(body.Bytes, findings.Faults, out var malformed);
        findings.Refusal = malformed;
        return patch is null ? await InputFormatterResult.FailureAsync() : await InputFormatterResult.SuccessAsync(new MergePatch(patch));
    }
}

/// <summary>What reading the body found, until <see cref="RequestValidation"/> answers with all of it.</summary>
internal sealed class RequestFindings
{
    public FaultList Faults { get; } = new();
    public ApiProblem? Refusal { get; set; }

    /// <summary>The resource's name in the body.</summary>
    public string? Name { get; set; }

    public static RequestFindings Of(HttpContext http)
    {
        if (http.Features.Get<RequestFindings>() is { } findings) return findings;
        findings = new RequestFindings();
        http.Features.Set(findings);
        return findings;
    }
}
