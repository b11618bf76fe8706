using CN2.Api.Kubernetes.Schemas;
using Microsoft.Net.Http.Headers;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>Reads the body of a request: JSON, YAML, or protobuf where the form of the object is known.</summary>
public static class BodyReader
{
    public const string Json = "application/json";
    public const string Yaml = "application/yaml";
    public const string Protobuf = "application/vnd.kubernetes.protobuf";

    /// <param name="contentType">The header of the request; absent: JSON.</param>
    /// <param name="body">The body; its size is limited before it comes here.</param>
    /// <param name="form">The form of a native kind, by which protobuf is decoded; null: protobuf is not taken (415).</param>
    public static BodyResult Read(string? contentType, ReadOnlyMemory<byte> body, Schema.Structure? form)
    {
        if (string.IsNullOrWhiteSpace(contentType)) return JsonBody.Read(body.Span);
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type)) return new BodyResult.Refused(415, "the Content-Type header is no media type");
        var media = type.MediaType.Value ?? "";
        if (media.Equals(Protobuf, StringComparison.OrdinalIgnoreCase) && form is not null) return ProtobufBody.Read(body.Span, form);
        if (media.Equals(Json, StringComparison.OrdinalIgnoreCase) || media.EndsWith("-patch+json", StringComparison.OrdinalIgnoreCase)) return JsonBody.Read(body.Span);
        if (media.Equals(Yaml, StringComparison.OrdinalIgnoreCase) || media.EndsWith("-patch+yaml", StringComparison.OrdinalIgnoreCase)) return YamlBody.Read(body);
        return new BodyResult.Refused(415, $"the body of the request was in an unknown format - accepted media types include: {Json}, {Yaml}{(form is null ? "" : $", {Protobuf}")}");
    }
}
