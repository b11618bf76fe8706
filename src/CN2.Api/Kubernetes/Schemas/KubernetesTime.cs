using System.Globalization;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Times as Kubernetes writes them: RFC 3339 in UTC, whole seconds, or six digits for metav1.MicroTime.</summary>
public static class KubernetesTime
{
    public static string Text(DateTimeOffset time, bool hasMicroseconds = false) =>
        time.UtcDateTime.ToString(hasMicroseconds ? "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'" : "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>An RFC 3339 time, with any number of digits after the second.</summary>
    public static bool IsTime(string text) => text.Length is >= 20 and <= 40 && text[10] is 'T' && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _);
}
