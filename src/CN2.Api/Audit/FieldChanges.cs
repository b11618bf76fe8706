using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Network.Resources;

namespace CN2.Api.Audit;

/// <summary>Which fields of two JSON objects differ, by their paths. Values are in no path. Pure.</summary>
internal static class FieldChanges
{
    private const int LongestPath = 253;

    /// <summary>The paths that differ, such as <c>ports[0].port</c> or <c>labels[a.b/c]</c>; at most <see cref="Limits.AuditedFields"/>.</summary>
    /// <param name="before">Only its members are compared; one that is null is the same as one that is absent or empty.</param>
    /// <param name="after">What they are now.</param>
    public static List<string> Of(JsonObject before, JsonObject after)
    {
        var found = new List<string>();
        foreach (var (name, value) in before) Compare(value, after[name], Below("", name), found);
        return found;
    }

    private static void Compare(JsonNode? before, JsonNode? after, string path, List<string> found)
    {
        if (found.Count >= Limits.AuditedFields) return;
        switch (before, after)
        {
            case (JsonObject or null, JsonObject or null):
                var (old, now) = (before as JsonObject ?? [], after as JsonObject ?? []);
                foreach (var name in old.Select(m => m.Key).Union(now.Select(m => m.Key))) Compare(old[name], now[name], Below(path, name), found);
                break;
            case (JsonArray or null, JsonArray or null):
                var (had, has) = (before as JsonArray ?? [], after as JsonArray ?? []);
                for (var i = 0; i < Math.Max(had.Count, has.Count); i++)
                {
                    if (i < had.Count && i < has.Count) Compare(had[i], has[i], string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), found);
                    else Add(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), found);
                }

                break;
            default:
                if (!JsonNode.DeepEquals(before, after)) Add(path, found);
                break;
        }
    }

    private static void Add(string path, List<string> found)
    {
        if (found.Count < Limits.AuditedFields) found.Add(AuditText.Clean(path, LongestPath)!);
    }

    private static string Below(string path, string name) =>
        !(name.Length > 0 && name.All(char.IsAsciiLetterOrDigit)) ? $"{path}[{name}]" : path.Length == 0 ? name : $"{path}.{name}";
}
