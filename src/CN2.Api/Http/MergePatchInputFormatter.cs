using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Http;

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
            findings.Refusal = ApiProblem.PayloadTooLarge(RequestBody.LimitOf(context.HttpContext.Request));
            return await InputFormatterResult.FailureAsync();
        }

        var patch = RequestJson.ReadObject(body.Bytes, findings.Faults, out var malformed);
        findings.Refusal = malformed;
        return patch is null ? await InputFormatterResult.FailureAsync() : await InputFormatterResult.SuccessAsync(new MergePatch(patch));
    }
}
