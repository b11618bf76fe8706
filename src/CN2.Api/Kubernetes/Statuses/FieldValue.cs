using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Statuses;

/// <summary>The value of a field, as sentences about it show it.</summary>
internal static class FieldValue
{
    private const int Longest = 100;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Its members are shown in no sentence (<see cref="Field.IsSecret"/>).</summary>
    private const string Secret = ".authData";

    /// <summary>As JSON, cut to a length that suits a sentence; null: there is none, it is an object, or it is secret.</summary>
    /// <param name="source">The object; null: it is not known.</param>
    /// <param name="path">Such as <c>spec.ports[0].port</c> or <c>metadata.labels[a.b/c]</c>.</param>
    public static string? Of(JsonNode? source, string path)
    {
        if (path.Contains(Secret, StringComparison.Ordinal)) return null;
        var node = source;
        for (var at = 0; at < path.Length && node is not null;)
        {
            if (path[at] == '.') at++;
            var isKey = path[at] == '[';
            var end = isKey ? path.IndexOf(']', at) : path.AsSpan(at).IndexOfAny('.', '[') is var stop and >= 0 ? at + stop : path.Length;
            if (end <= at) return null;
            var step = path[(isKey ? at + 1 : at)..end];
            node = node switch
            {
                JsonObject members => members[step],
                JsonArray items when int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < items.Count => items[index],
                _ => null,
            };
            at = isKey ? end + 1 : end;
        }

        if (node is null or JsonObject) return null;
        var text = node.ToJsonString(Plain);
        return text.Length <= Longest ? text : string.Concat(text.AsSpan(0, Longest), "…");
    }
}
