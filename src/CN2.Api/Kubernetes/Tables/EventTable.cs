using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get events</c>.</summary>
internal static class EventTable
{
    public static TableLayout Layout { get; } = new(
    [
        Of("Last Seen", "How long ago it last happened."),
        Of("Type", "Normal or Warning."),
        Of("Reason", "One word, for programs."),
        Of("Object", "The object it happened to."),
        Wide("Subobject", "The part of the object."),
        Wide("Source", "The program that reports it."),
        Of("Message", "A sentence for people."),
        Wide("First Seen", "How long ago it first happened."),
        new("Count", "How often it happened.") { Type = "integer", Priority = 1 },
        Wide("Name", "The name of the event.") with { Format = "name" },
    ],
    (happened, context) =>
    {
        var about = happened["involvedObject"];
        var series = happened["series"];
        var first = happened["firstTimestamp"].Time() is null ? happened["eventTime"] : happened["firstTimestamp"];
        var last = series.Member("lastObservedTime") ?? (happened["lastTimestamp"].Time() is null ? first : happened["lastTimestamp"]);
        return
        [
            Ages.Since(last, context.Now),
            happened.Text("type"),
            happened.Text("reason"),
            about.Text("name") is { } name ? $"{Kind(about)}/{name}" : Kind(about),
            about.Text("fieldPath"),
            Source(happened),
            happened.Text("message")?.Trim(),
            Ages.Since(first, context.Now),
            series.Number("count") ?? happened.Number("count") ?? 1,
            happened.Name(),
        ];
    });

    private static string Kind(JsonNode? about) => about.Text("kind")?.ToLowerInvariant() ?? "";

    private static string Source(JsonObject happened)
    {
        var program = happened["source"].Text("component") ?? happened.Text("reportingComponent");
        var place = happened["source"].Text("host") ?? happened.Text("reportingInstance");
        return string.Join(", ", new[] { program, place }.OfType<string>());
    }
}
