using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace CN2.Api.Kubernetes.Documents;

/// <summary>
/// An OpenAPI 2.0 document as the protobuf message openapi.v2.Document (gnostic), which kubectl reads. Only the members that
/// <see cref="SchemaWriter"/> and <see cref="PathWriter"/> write are encoded.
/// </summary>
internal static class GnosticDocument
{
    public static byte[] Encode(JsonObject document) =>
    [
        .. Text(1, document["swagger"]),
        .. Message(2, Text(1, document["info"]!["title"]), Text(2, document["info"]!["version"])),
        .. Message(8, Named(2, document["paths"], PathItem)),
        .. Message(9, Named(1, document["definitions"], Schema)),
    ];

    private static byte[] PathItem(JsonNode item) =>
    [
        .. Operation(2, item["get"]), .. Operation(3, item["put"]), .. Operation(4, item["post"]), .. Operation(5, item["delete"]), .. Operation(8, item["patch"]),
        .. Each(9, item["parameters"], Parameter),
    ];

    private static byte[] Operation(int number, JsonNode? operation) => operation is null ? [] : Message(number,
        Text(3, operation["description"]),
        Text(5, operation["operationId"]),
        Texts(6, operation["produces"]),
        Texts(7, operation["consumes"]),
        Each(8, operation["parameters"], Parameter),
        Message(9, Named(1, operation["responses"], Response)),
        Extensions(13, operation));

    /// <summary>A ResponseValue with a Response, whose SchemaItem has a Schema.</summary>
    private static byte[] Response(JsonNode response) => Message(1, Text(1, response["description"]), Message(2, Message(1, Schema(response["schema"]!))));

    /// <summary>A ParametersItem with a Parameter: of the body, the path or the query.</summary>
    private static byte[] Parameter(JsonNode parameter)
    {
        var place = (string)parameter["in"]!;
        if (place == "body")
        {
            return Message(1, Message(1, Text(1, parameter["description"]), Text(2, parameter["name"]), Text(3, place), Flag(4, parameter["required"]), Message(5, Schema(parameter["schema"]!))));
        }

        // The type of a query parameter is 6, since it may be allowed to be empty (5); that of a path parameter is 5.
        var isQuery = place == "query";
        byte[] members = [.. Flag(1, parameter["required"]), .. Text(2, place), .. Text(3, parameter["description"]), .. Text(4, parameter["name"]), .. Text(isQuery ? 6 : 5, parameter["type"])];
        return Message(1, Message(2, Message(isQuery ? 3 : 4, members)));
    }

    private static byte[] Schema(JsonNode schema) =>
    [
        .. Text(1, schema["$ref"]),
        .. Text(2, schema["format"]),
        .. Text(4, schema["description"]),
        .. schema["default"] is { } value ? Message(5, Any(value)) : [],
        .. Texts(19, schema["required"]),
        .. Each(20, schema["enum"], Any),
        .. schema["additionalProperties"] is { } item ? Message(21, Message(1, Schema(item))) : [],
        .. schema["type"] is { } type ? Message(22, Text(1, type)) : [],
        .. schema["items"] is { } items ? Message(23, Message(1, Schema(items))) : [],
        .. schema["properties"] is { } properties ? Message(25, Named(1, properties, Schema)) : [],
        .. Extensions(31, schema),
    ];

    /// <summary>Members that begin with <c>x-</c>: a name (1), and a value (2) as YAML, of which JSON is a part.</summary>
    private static byte[] Extensions(int number, JsonNode node) =>
        [.. node.AsObject().Where(m => m.Key.StartsWith("x-", StringComparison.Ordinal)).SelectMany(m => Message(number, Text(1, m.Key), Message(2, Any(m.Value!))))];

    private static byte[] Any(JsonNode value) => Text(2, value.ToJsonString() + "\n");

    private static byte[] Named(int number, JsonNode? members, Func<JsonNode, byte[]> encode) =>
        [.. members!.AsObject().SelectMany(m => Message(number, Text(1, m.Key), Message(2, encode(m.Value!))))];

    private static byte[] Each(int number, JsonNode? items, Func<JsonNode, byte[]> encode) =>
        items is null ? [] : [.. items.AsArray().SelectMany(i => Message(number, encode(i!)))];

    private static byte[] Texts(int number, JsonNode? items) => items is null ? [] : [.. items.AsArray().SelectMany(i => Text(number, i))];

    private static byte[] Text(int number, JsonNode? text) => text?.GetValueKind() == JsonValueKind.String ? Text(number, (string)text!) : [];

    private static byte[] Text(int number, string text) => Write(number, ByteString.CopyFromUtf8(text));

    private static byte[] Flag(int number, JsonNode? flag) => (bool?)flag is true ? [(byte)(number << 3), 1] : [];

    private static byte[] Message(int number, params byte[][] members) => Write(number, ByteString.CopyFrom([.. members.SelectMany(m => m)]));

    private static byte[] Write(int number, ByteString bytes)
    {
        var tag = WireFormat.MakeTag(number, WireFormat.WireType.LengthDelimited);
        var result = new byte[CodedOutputStream.ComputeUInt32Size(tag) + CodedOutputStream.ComputeBytesSize(bytes)];
        using var output = new CodedOutputStream(result);
        output.WriteTag(tag);
        output.WriteBytes(bytes);
        output.CheckNoSpaceLeft();
        return result;
    }
}
