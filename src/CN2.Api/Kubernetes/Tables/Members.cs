using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>Reads members of objects; what is absent or has another form is null, never an exception.</summary>
internal static class Members
{
    public static JsonNode? Member(this JsonNode? node, string name) => (node as JsonObject)?[name];

    public static JsonNode? Member(this JsonNode? node, string first, string second) => node.Member(first).Member(second);

    public static string? Text(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.ToString() is { Length: > 0 } text ? text : null;

    public static string? Text(this JsonNode? node, string name) => node.Member(name).Text();

    public static long? Number(this JsonNode? node, string name) =>
        node.Member(name) is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && long.TryParse(value.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static bool Is(this JsonNode? node, string name) => node.Member(name) is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    public static DateTimeOffset? Time(this JsonNode? node) =>
        node.Text() is { } text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The objects of a list.</summary>
    public static IEnumerable<JsonObject> Items(this JsonNode? node, string name) => (node.Member(name) as JsonArray ?? []).OfType<JsonObject>();

    /// <summary>The texts of a list.</summary>
    public static IEnumerable<string> Texts(this JsonNode? node, string name) => (node.Member(name) as JsonArray ?? []).Select(i => i.Text()).OfType<string>();

    /// <summary>How many items a list has; 0 when there is none.</summary>
    public static int Count(this JsonNode? node, string name) => (node.Member(name) as JsonArray)?.Count ?? 0;

    public static string? Name(this JsonObject source) => source["metadata"].Text("name");

    /// <summary>The condition of a type.</summary>
    public static JsonObject? Condition(this JsonNode? status, string type) => status.Items("conditions").FirstOrDefault(c => c.Text("type") == type);

    /// <summary>What kubectl users know for nothing.</summary>
    public static string OrNone(this string? text) => string.IsNullOrEmpty(text) ? "<none>" : text;

    /// <summary>Separated by commas.</summary>
    public static string Joined(this IEnumerable<string> texts) => string.Join(',', texts);

    /// <summary><c>a=b,c=d</c>, sorted.</summary>
    public static string Labels(this JsonNode? node) =>
        (node as JsonObject ?? []).Select(l => $"{l.Key}={l.Value.Text()}").Order(StringComparer.Ordinal).Joined();

    /// <summary>The first three, and how many more there are.</summary>
    public static string? FirstThree(this IReadOnlyCollection<string> texts) =>
        texts.Count == 0 ? null : texts.Count <= 3 ? texts.Joined() : $"{texts.Take(3).Joined()} + {texts.Count - 3} more...";

    /// <summary><c>10.0.0.1:80</c>, <c>[fd00::1]:80</c>.</summary>
    public static string AtPort(this string address, long port) => address.Contains(':') ? $"[{address}]:{port}" : $"{address}:{port}";
}
