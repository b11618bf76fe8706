using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Writes answers as JSON.</summary>
internal static class ObjectAnswer
{
    /// <summary>Text as it is: these answers are no part of a page.</summary>
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext http, FailureStatus status)
    {
        AnswerCode.Set(http, status.Reason);
        if (status.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return WriteAsync(http, status.Code, status.WithoutHiddenNames(http.Features.Get<CallerRights>()).ToJson());
    }

    public static Task WriteAsync(HttpContext http, int status, JsonObject body) => WriteAsync(http, status, JsonSerializer.SerializeToUtf8Bytes(body, Plain));

    public static async Task WriteAsync(HttpContext http, int status, ReadOnlyMemory<byte> body)
    {
        if (!AnswerTurn.TryTake(http)) return;
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted);
    }
}
