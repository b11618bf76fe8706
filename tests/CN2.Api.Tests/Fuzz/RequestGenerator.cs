using System.Text;
using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Fuzz;

/// <summary>
/// Draws requests from an OpenAPI document: mostly of the right structure, with values that are right, nearly right or hostile. A request
/// depends on the seed and its number alone, so a failure is replayed by sending the same numbers again. Names come from a small set, so that
/// requests meet each other's resources and the store stays small.
/// </summary>
public sealed class RequestGenerator(JsonNode document, int seed)
{
    private static readonly string[] Names = ["a", "b", "web", "default", "default-external", "vn-external1", "compute1", "http-hc", "my-service"];

    private static readonly string[] Texts =
    [
        "", " ", "a", "A", "a.b/c", "-", "0", "null", "true", "\u0000", "é\u202e", "\ud83d\ude00", "..", "../..", "%2e", "'; DROP TABLE service; --", "$(id)", "a=b", "10.0.0.1", "10.233.64.9", "127.0.0.1",
        "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:1.2.3.4", "2001:db8::9", "0.0.0.0/0", "::/0", "100.0.0.0/24", "100.0.0.5-100.0.0.3", "target:64512:1", "target:4294967296:1", "NO_EXPORT", "65535:65536",
        "1:2:3", "GET", "/x", "http://x/", "200-299", "TCP", "IPv6", "default/vn-external1", "a/b/c", "services/default/web", "999999999999999999999",
    ];

    private static readonly string[] Numbers = ["0", "-1", "1", "2", "80", "179", "64512", "65535", "65536", "4294967295", "4294967296", "-9223372036854775809", "1e400", "1.5", "-0", "00"];

    private readonly List<(string Path, string Method, JsonNode Operation)> _operations =
        [.. from path in document["paths"]!.AsObject() from operation in path.Value!.AsObject() where operation.Value is JsonObject select (path.Key, operation.Key.ToUpperInvariant(), operation.Value)];

    public FuzzRequest Next(int number)
    {
        var random = new Random(unchecked((seed * 1_000_003) + number));
        var (template, method, operation) = _operations[random.Next(_operations.Count)];
        // A watch has no end, and reading one takes long.
        if (template == "/v1/watch" && random.Next(8) > 0) (template, method, operation) = _operations[random.Next(_operations.Count)];
        var headers = new List<(string, string)>();
        var path = template;
        var query = new List<string>();
        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
        {
            var name = (string)parameter!["name"]!;
            switch ((string?)parameter["in"])
            {
                case "path":
                    var value = random.Next(12) == 0 ? Text(random) : name == "ns" && random.Next(3) > 0 ? "default" : Names[random.Next(Names.Length)];
                    path = path.Replace($"{{{name}}}", Uri.EscapeDataString(Encodable(value.Length == 0 ? "x" : value)), StringComparison.Ordinal);
                    break;
                case "query" when random.Next(4) == 0:
                    query.Add($"{name}={Uri.EscapeDataString(Encodable(QueryValue(name, random)))}");
                    if (random.Next(20) == 0) query.Add(query[^1]);
                    break;
                case "header" when random.Next(3) == 0:
                    headers.Add((name, HeaderValue(name, random)));
                    break;
            }
        }

        if (random.Next(40) == 0) query.Add($"{Uri.EscapeDataString(Encodable(Text(random)))}=1");
        if (random.Next(40) == 0) method = new[] { "GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "LINK" }[random.Next(9)];
        byte[]? body = null;
        if (operation["requestBody"]?["content"] is JsonObject content && random.Next(50) > 0)
        {
            var (type, media) = content.First();
            body = Body(media!, random);
            headers.Add(("Content-Type", random.Next(40) == 0 ? Visible(Text(random)) : random.Next(40) == 0 ? "application/json; charset=utf-16" : type));
            if (random.Next(60) == 0) headers.Add(("Content-Encoding", new[] { "gzip", "br", "identity", "x" }[random.Next(4)]));
        }

        if (random.Next(60) == 0) headers.Add(("Accept", "text/plain"));
        return new FuzzRequest(method, query.Count > 0 ? $"{path}?{string.Join('&', query)}" : path, headers, body);
    }

    private byte[] Body(JsonNode media, Random random)
    {
        var root = random.Next(3) == 0 && media["example"] is { } example ? example.DeepClone() : Of(media["schema"]!, random, 0);
        for (var times = random.Next(3); times > 0 && root is JsonObject or JsonArray; times--) Damage(root, random);
        if (root is JsonObject { Count: > 0 } whole && whole.ContainsKey("name") && random.Next(4) > 0) whole["name"] = Names[random.Next(Names.Length)];
        var text = root?.ToJsonString() ?? "null";
        // Numbers and texts that a JsonNode cannot hold.
        if (random.Next(12) == 0) text = text.Replace("1", Numbers[random.Next(Numbers.Length)], StringComparison.Ordinal);
        if (random.Next(60) == 0) text = text.Insert(random.Next(text.Length + 1), new[] { "\\ud800", "\"", "{", "]", "\\u0000", "\u0001" }[random.Next(6)]);
        if (random.Next(60) == 0) text = new string('[', random.Next(20, 3000)) + text;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (random.Next(60) == 0 && bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(80) == 0 ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }

    /// <summary>A value of a schema; now and then of another type or size.</summary>
    private JsonNode? Of(JsonNode schema, Random random, int depth)
    {
        if ((string?)schema["$ref"] is { } reference) schema = document["components"]!["schemas"]![reference.Split('/')[^1]]!;
        if (random.Next(25) == 0) return Hostile(random);
        if (schema["oneOf"] is JsonArray choices) return Of(choices[random.Next(3) == 0 ? random.Next(choices.Count) : choices.Count - 1]!, random, depth);
        if (schema["enum"] is JsonArray words) return words[random.Next(words.Count)]?.DeepClone();
        var types = schema["type"] is JsonArray many ? many.Select(t => (string)t!).ToList() : [(string?)schema["type"] ?? "object"];
        switch (types[random.Next(4) == 0 ? random.Next(types.Count) : Math.Max(0, types.FindIndex(t => t != "null"))])
        {
            case "null": return null;
            case "boolean": return random.Next(2) == 0;
            case "integer" or "number": return random.Next(5) == 0 ? JsonNode.Parse(random.Next(2) == 0 ? "0" : "-1") : random.Next(1, random.Next(3) == 0 ? 70_000 : 200);
            case "string": return random.Next(2) == 0 ? Names[random.Next(Names.Length)] : Text(random);
            case "array":
                var most = (int?)schema["maxItems"] ?? 4;
                var list = new JsonArray();
                for (var count = Size(most, random); count > 0 && depth < 6; count--) list.Add(Of(schema["items"]!, random, depth + 1));
                return list;
            default:
                var result = new JsonObject();
                if (schema["properties"] is JsonObject members)
                {
                    var required = schema["required"]?.AsArray().Select(r => (string)r!).ToHashSet() ?? [];
                    foreach (var (name, member) in members)
                    {
                        if (random.Next(10) < (required.Contains(name) ? 9 : 3)) result[name] = Of(member!, random, depth + 1);
                    }

                    if (random.Next(25) == 0) result[Text(random)] = Hostile(random);
                }
                else
                {
                    for (var count = Size((int?)schema["maxProperties"] ?? 4, random); count > 0; count--) result[random.Next(3) > 0 ? $"k{count}" : Text(random)] = Text(random);
                }

                return result;
        }
    }

    /// <summary>Mostly few; now and then at the limit, beyond it, or far beyond it.</summary>
    private static int Size(int most, Random random) => random.Next(60) switch { 0 => most, 1 => most + 1, 2 => Math.Min(20 * most, 3000), _ => random.Next(4) };

    private static JsonNode? Hostile(Random random) => random.Next(9) switch
    {
        0 => null,
        1 => new JsonArray(),
        2 => new JsonObject(),
        3 => JsonNode.Parse(new string('[', 28) + new string(']', 28)),
        4 => new string('x', random.Next(200, random.Next(20) == 0 ? 1_200_000 : 3000)),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(2000)).Select(i => (JsonNode)i)]),
        6 => new JsonObject(Enumerable.Range(0, random.Next(2000)).Select(i => KeyValuePair.Create($"!{i}", (JsonNode?)"")).ToList()),
        7 => random.Next(2) == 0,
        _ => Text(random),
    };

    private static void Damage(JsonNode root, Random random)
    {
        var places = new List<JsonNode>();
        Collect(root, places);
        var place = places[random.Next(places.Count)];
        switch (place.Parent)
        {
            case JsonObject owner when random.Next(3) == 0:
                owner.Remove(place.GetPropertyName());
                break;
            case JsonArray list when random.Next(3) == 0:
                list.Add(place.DeepClone());
                break;
            case not null:
                place.ReplaceWith(Hostile(random));
                break;
        }
    }

    private static void Collect(JsonNode node, List<JsonNode> places)
    {
        places.Add(node);
        foreach (var child in node switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] })
        {
            if (child is not null && places.Count < 3000) Collect(child, places);
        }
    }

    private static string QueryValue(string name, Random random) => (name, random.Next(3)) switch
    {
        ("dryRun", > 0) => "true",
        ("limit", > 0) => $"{random.Next(1, 1000)}",
        ("cursor", > 0) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"[\"{Text(random)}\",\"a\",\"b\"]")).TrimEnd('='),
        ("labelSelector", 1) => string.Join(',', Enumerable.Range(0, random.Next(1, 60)).Select(i => new[] { "!a", "b", "c=d", "e in (f,g)", "h notin (i)" }[random.Next(5)])),
        ("labelSelector", 2) => $"a in ({string.Join(',', Enumerable.Range(0, random.Next(1, 90)))})",
        ("kinds", > 0) => "services,floating-ips",
        ("namespace", > 0) => "default",
        _ => Text(random),
    };

    private static string HeaderValue(string name, Random random) => (name, random.Next(3)) switch
    {
        ("If-Match", 0) => $"\"{random.Next(4)}\"",
        ("If-Match", 1) => string.Join(", ", Enumerable.Range(0, random.Next(1, 400)).Select(i => $"\"{i}\"")),
        ("Idempotency-Key", > 0) => $"key-{random.Next(40)}",
        ("Last-Event-ID", > 0) => $"{random.NextInt64()}.{random.Next()}",
        _ => Visible(Text(random)),
    };

    /// <summary>What a client can send in a header.</summary>
    private static string Visible(string text) => new([.. text.Where(c => c is > ' ' and < '\u007f').DefaultIfEmpty('*')]);

    private static string Text(Random random) => random.Next(30) == 0 ? new string((char)random.Next('a', 'z'), random.Next(60, 3000)) : Texts[random.Next(Texts.Length)];

    /// <summary>Without halves of surrogate pairs, which no address can have.</summary>
    private static string Encodable(string text) => new([.. text.Where(c => !char.IsSurrogate(c))]);
}
