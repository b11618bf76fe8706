using System.Globalization;
using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>metav1.Time: RFC 3339 in UTC with whole seconds.</summary>
internal static class KubernetesTime
{
    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Of a time as <c>/v1</c> writes it; null when there is none.</summary>
    public static string? Of(JsonNode? time) =>
        time is JsonValue value && value.TryGetValue<string>(out var text)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var read) ? Of(read) : null;
}
