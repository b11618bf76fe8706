using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>
/// Reads the protobuf form of a native kind: the magic number, an envelope (runtime.Unknown: type 1, raw message 2, encoding 3), and in it
/// the message, decoded by the form of the kind. Numbers that the form does not name are skipped, as every protobuf reader does.
/// </summary>
internal sealed class ProtobufBody
{
    private static readonly ConcurrentDictionary<Schema.Structure, Dictionary<(int EmbeddedIn, int Number), Field>> Numbers = new();

    private readonly Findings _findings = new();

    public static BodyResult Read(ReadOnlySpan<byte> body, Schema.Structure form)
    {
        if (!body.StartsWith("k8s\0"u8)) return new BodyResult.Refused(400, "the body does not begin with the magic number of Kubernetes' protobuf form");
        ReadOnlySpan<byte> type = default, raw = default, encoding = default;
        var envelope = new ProtobufReader(body[4..]);
        while (envelope.Next())
        {
            if (envelope is { Number: 1, IsBytes: true }) type = envelope.Bytes;
            else if (envelope is { Number: 2, IsBytes: true }) raw = envelope.Bytes;
            else if (envelope is { Number: 3, IsBytes: true }) encoding = envelope.Bytes;
        }

        if (envelope.IsBroken) return new BodyResult.Refused(400, "the envelope of the body is no protobuf message");
        if (!encoding.IsEmpty) return new BodyResult.Refused(415, "an encoded body in the envelope is not taken");
        var reader = new ProtobufBody();
        var result = new JsonObject();
        reader.Type(type, result);
        reader.Message(raw, form, 0, result, "", 0);
        return reader._findings.Result(result);
    }

    private void Type(ReadOnlySpan<byte> type, JsonObject result)
    {
        var reader = new ProtobufReader(type);
        while (reader.Next())
        {
            if (reader.Number is 1 or 2 && reader.IsBytes) result[reader.Number == 1 ? "apiVersion" : "kind"] = Text(reader.Bytes, "the type of the envelope");
        }

        if (reader.IsBroken) Refuse("the type of the envelope");
    }

    /// <summary>The fields of a message into <paramref name="result"/>; of an embedded one into the object around it.</summary>
    private void Message(ReadOnlySpan<byte> message, Schema.Structure form, int embeddedIn, JsonObject result, string path, int depth)
    {
        if (!_findings.Count(depth)) return;
        var numbers = Numbers.GetOrAdd(form, static f => f.Fields.Where(x => x.Number > 0).ToDictionary(x => (x.EmbeddedIn, x.Number)));
        var reader = new ProtobufReader(message);
        while (_findings.Refusal is null && reader.Next())
        {
            if (numbers.TryGetValue((embeddedIn, reader.Number), out var field))
            {
                Member(reader, field, result, path.Length == 0 ? field.Name : $"{path}.{field.Name}", depth + 1);
            }
            else if (embeddedIn == 0 && reader.IsBytes && HasEmbedded(form, reader.Number))
            {
                Message(reader.Bytes, form, reader.Number, result, path, depth);
            }
        }

        if (reader.IsBroken) Refuse(path);
    }

    private static bool HasEmbedded(Schema.Structure form, int number) => form.Fields.Any(f => f.EmbeddedIn == number);

    private void Member(in ProtobufReader reader, Field field, JsonObject result, string path, int depth)
    {
        switch (field.Schema)
        {
            case Schema.List list:
                if (result[field.Name] is not JsonArray items) result[field.Name] = items = [];
                Item(reader, list.Item, items, path, depth + 1);
                break;
            case Schema.Map map:
                if (result[field.Name] is not JsonObject members) result[field.Name] = members = [];
                Entry(reader, map, members, path, depth + 1);
                break;
            case Schema.Structure form when reader.IsBytes:
                if (result[field.Name] is not JsonObject inner) result[field.Name] = inner = [];
                Message(reader.Bytes, form, 0, inner, path, depth);
                break;
            default:
                var value = Value(reader, field.Schema, path, depth);
                if (value is null || (!field.HasPresence && IsZero(value))) result.Remove(field.Name);
                else result[field.Name] = value;
                break;
        }
    }

    private void Item(in ProtobufReader reader, Schema item, JsonArray items, string path, int depth)
    {
        if (item is Schema.Number && reader.IsBytes)
        {
            var packed = new ProtobufReader(reader.Bytes);
            while (packed.NextPacked() && _findings.Count(depth)) items.Add(JsonValue.Create((long)packed.Varint));
            if (packed.IsBroken) Refuse(path);
            return;
        }

        items.Add(Value(reader, item, $"{path}[{items.Count}]", depth));
    }

    private void Entry(in ProtobufReader reader, Schema.Map map, JsonObject members, string path, int depth)
    {
        if (!reader.IsBytes)
        {
            Refuse(path);
            return;
        }

        var key = "";
        JsonNode? value = null;
        var entry = new ProtobufReader(reader.Bytes);
        while (_findings.Refusal is null && entry.Next())
        {
            if (entry is { Number: 1, IsBytes: true }) key = Text(entry.Bytes, path) ?? "";
            else if (entry.Number == 2) value = Value(entry, map.Value, path, depth);
        }

        if (entry.IsBroken) Refuse(path);
        members[key] = value ?? (map.Value is Schema.Text ? JsonValue.Create("") : null);
    }

    private JsonNode? Value(in ProtobufReader reader, Schema schema, string path, int depth)
    {
        if (!_findings.Count(depth)) return null;
        switch (schema)
        {
            case Schema.Number { IsLong: var isLong } when !reader.IsBytes:
                var number = (long)reader.Varint;
                if (!isLong && number is < int.MinValue or > int.MaxValue) Refuse(path);
                return JsonValue.Create(number);
            case Schema.Flag when !reader.IsBytes:
                return JsonValue.Create(reader.Varint != 0);
            case Schema.Text when reader.IsBytes:
                return Text(reader.Bytes, path) is { } text ? JsonValue.Create(text) : null;
            case Schema.Time { HasMicroseconds: var hasMicroseconds } when reader.IsBytes:
                return Time(reader.Bytes, hasMicroseconds, path);
            case Schema.NumberOrText when reader.IsBytes:
                return NumberOrText(reader.Bytes, path);
            case Schema.Quantity when reader.IsBytes:
                return JsonValue.Create(Encoding.UTF8.GetString(Inner(reader.Bytes, path)));
            case Schema.Free when reader.IsBytes:
                return Free(reader.Bytes, path);
            case Schema.Structure form when reader.IsBytes:
                var members = new JsonObject();
                Message(reader.Bytes, form, 0, members, path, depth);
                return members;
            default:
                Refuse(path);
                return null;
        }
    }

    private JsonValue? Time(ReadOnlySpan<byte> message, bool hasMicroseconds, string path)
    {
        if (message.IsEmpty) return null;
        long seconds = 0, nanoseconds = 0;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader is { Number: 1, IsBytes: false }) seconds = (long)reader.Varint;
            else if (reader is { Number: 2, IsBytes: false }) nanoseconds = (long)reader.Varint;
        }

        if (reader.IsBroken || seconds is < -62135596800 or > 253402300799 || nanoseconds is < 0 or > 999_999_999)
        {
            Refuse(path);
            return null;
        }

        return JsonValue.Create(KubernetesTime.Text(DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / 100), hasMicroseconds));
    }

    private JsonValue? NumberOrText(ReadOnlySpan<byte> message, string path)
    {
        ulong type = 0;
        long number = 0;
        string? text = "";
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader is { Number: 1, IsBytes: false }) type = reader.Varint;
            else if (reader is { Number: 2, IsBytes: false }) number = (long)reader.Varint;
            else if (reader is { Number: 3, IsBytes: true }) text = Text(reader.Bytes, path);
        }

        if (reader.IsBroken || number is < int.MinValue or > int.MaxValue) Refuse(path);
        return type == 0 ? JsonValue.Create(number) : JsonValue.Create(text ?? "");
    }

    /// <summary>Any JSON stands as bytes in a message of one field. A subtree whose own form is not known here cannot be read.</summary>
    private JsonNode? Free(ReadOnlySpan<byte> message, string path)
    {
        var json = Inner(message, path);
        if (json.IsEmpty) return null;
        var inner = new Findings();
        var value = JsonBody.Parse(json, inner);
        if (inner.Refusal is null) return value;
        _findings.Refuse($"{path} cannot be read from protobuf; send the object as JSON");
        return null;
    }

    /// <summary>The bytes of field 1, the only one.</summary>
    private ReadOnlySpan<byte> Inner(ReadOnlySpan<byte> message, string path)
    {
        ReadOnlySpan<byte> bytes = default;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader is { Number: 1, IsBytes: true }) bytes = reader.Bytes;
        }

        if (reader.IsBroken || !Utf8.IsValid(bytes)) Refuse(path);
        return bytes;
    }

    private string? Text(ReadOnlySpan<byte> bytes, string path)
    {
        if (Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);
        Refuse(path);
        return null;
    }

    private void Refuse(string path) => _findings.Refuse($"the body is no protobuf message of this kind{(path.Length == 0 ? "" : $": {path} cannot be read")}");

    private static bool IsZero(JsonNode value) => value is JsonValue v
        && (v.TryGetValue<string>(out var text) ? text.Length == 0 : v.TryGetValue<long>(out var number) ? number == 0 : v.TryGetValue<bool>(out var flag) && !flag);
}
