using CN2.Api.Http;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Wire;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>Reads bodies, with the limit of <c>/v1</c>.</summary>
internal static class RequestObject
{
    /// <summary>Exactly one of the results is set.</summary>
    /// <param name="http">The request.</param>
    /// <param name="definition">Of the kind; its form decodes protobuf when it is native.</param>
    public static Task<(BodyResult.Read? Body, FailureStatus? Refused)> ReadAsync(HttpContext http, ResourceDefinition definition) =>
        ReadAsync(http, definition.IsNative ? definition.Schema : null);

    /// <inheritdoc cref="ReadAsync(HttpContext, ResourceDefinition)"/>
    /// <param name="http">The request.</param>
    /// <param name="form">Decodes protobuf; null: protobuf is not taken.</param>
    /// <param name="mayBeEmpty">No body is an object without members.</param>
    public static async Task<(BodyResult.Read? Body, FailureStatus? Refused)> ReadAsync(HttpContext http, Schema.Structure? form, bool mayBeEmpty = false)
    {
        var (bytes, refused) = await BytesAsync(http);
        if (refused is not null) return (null, refused);
        if (mayBeEmpty && bytes.IsEmpty) return (new BodyResult.Read([], []), null);
        return BodyReader.Read(http.Request.ContentType, bytes, form) switch
        {
            BodyResult.Read read => (read, null),
            BodyResult.Refused { Status: 415 } => (null, FailureStatus.UnsupportedMediaType(
                form is not null ? [BodyReader.Json, BodyReader.Yaml, BodyReader.Protobuf] : [BodyReader.Json, BodyReader.Yaml])),
            BodyResult.Refused failed => (null, FailureStatus.BadRequest(failed.Message)),
            _ => throw new InvalidOperationException("No such result"),
        };
    }

    public static async Task<(ReadOnlyMemory<byte> Bytes, FailureStatus? Refused)> BytesAsync(HttpContext http) =>
        await RequestBody.ReadAsync(http) is { } body
            ? (body.Bytes, null)
            : (default, new FailureStatus(413, StatusReason.RequestEntityTooLarge, $"Request entity too large: limit is {Limits.Body}"));
}
