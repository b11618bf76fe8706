using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Wire;

/// <summary>Reads JSON as Kubernetes does: of a member that is there twice the last one counts, and a strict reader is told.</summary>
internal static class JsonBody
{
    public static BodyResult Read(ReadOnlySpan<byte> body)
    {
        var findings = new Findings();
        return findings.Result(Parse(body, findings));
    }

    /// <summary>Any JSON value. What is wrong stands in <paramref name="findings"/>.</summary>
    public static JsonNode? Parse(ReadOnlySpan<byte> body, Findings findings)
    {
        if (body.IsEmpty)
        {
            findings.Refuse("the body is empty");
            return null;
        }

        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = Limits.Nesting + 1 });
        var path = new List<object>();
        try
        {
            reader.Read();
            var value = Value(ref reader, path, findings);
            if (findings.Refusal is null && reader.Read()) findings.Refuse("the body has something after its JSON value");
            return value;
        }
        catch (JsonException e)
        {
            findings.Refuse(string.Create(CultureInfo.InvariantCulture, $"the body is no JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            // A string that is no UTF-8, or half of a surrogate pair.
            findings.Refuse("the body is no JSON: a string is no Unicode text");
        }

        return null;
    }

    private static JsonNode? Value(ref Utf8JsonReader reader, List<object> path, Findings findings)
    {
        if (!findings.Count(path.Count)) return null;
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new JsonObject();
                while (findings.Refusal is null && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var name = reader.GetString()!;
                    path.Add(name);
                    if (members.ContainsKey(name)) findings.Fault($"duplicate field \"{Text(path)}\"");
                    reader.Read();
                    members[name] = Value(ref reader, path, findings);
                    path.RemoveAt(path.Count - 1);
                }

                return members;
            case JsonTokenType.StartArray:
                var items = new JsonArray();
                while (findings.Refusal is null && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    path.Add(items.Count);
                    items.Add(Value(ref reader, path, findings));
                    path.RemoveAt(path.Count - 1);
                }

                return items;
            case JsonTokenType.String:
                return JsonValue.Create(reader.GetString()!);
            case JsonTokenType.Number:
                return Number(ref reader, findings);
            case JsonTokenType.True or JsonTokenType.False:
                return JsonValue.Create(reader.GetBoolean());
            default:
                return null;
        }
    }

    private static JsonValue? Number(ref Utf8JsonReader reader, Findings findings)
    {
        if (reader.TryGetInt64(out var whole)) return JsonValue.Create(whole);
        if (reader.TryGetDouble(out var number) && double.IsFinite(number)) return JsonValue.Create(number);
        findings.Refuse("a number is too large");
        return null;
    }

    private static string Text(List<object> path)
    {
        var text = new StringBuilder();
        foreach (var part in path)
        {
            if (part is int index) text.Append(CultureInfo.InvariantCulture, $"[{index}]");
            else text.Append(text.Length == 0 ? "" : ".").Append(part);
        }

        return text.ToString();
    }
}
