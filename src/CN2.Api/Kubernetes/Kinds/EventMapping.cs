using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// <c>v1</c> Event, made of an event of <c>/v1</c>. Read-only. As in Kubernetes, the events of an object without a namespace are in
/// <c>default</c>. Pure.
/// </summary>
internal static class EventMapping
{
    private const string Component = "cn2-api";

    /// <summary>The namespace of events about objects that have none.</summary>
    public const string DefaultNamespace = "default";

    /// <param name="row">The event.</param>
    /// <param name="involved">The object it is about.</param>
    public static JsonObject ToObject(EventRow row, InvolvedObject involved)
    {
        var at = KubernetesTime.Text(row.At);
        var ns = involved.Namespace ?? DefaultNamespace;
        var reference = new JsonObject { ["apiVersion"] = involved.ApiVersion, ["kind"] = involved.Kind, ["name"] = involved.Name };
        if (involved.Namespace is not null) reference["namespace"] = involved.Namespace;
        if (involved.Uid is { } uid) reference["uid"] = uid.ToString();
        return new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = NameOf(involved.Name, row.Id),
                ["namespace"] = ns,
                ["uid"] = DerivedUid.Of("event", row.Id.ToString(CultureInfo.InvariantCulture)).ToString(),
                ["creationTimestamp"] = at,
            },
            ["involvedObject"] = reference,
            ["reason"] = row.Reason,
            ["message"] = row.Message,
            ["source"] = new JsonObject { ["component"] = Component },
            ["firstTimestamp"] = at,
            ["lastTimestamp"] = at,
            ["count"] = 1,
            ["type"] = row.Type,
            ["eventTime"] = null,
            ["reportingComponent"] = Component,
            ["reportingInstance"] = "",
        };
    }

    /// <summary><c>my-service.1f</c>: the name of the object, and the number of the event in hexadecimal.</summary>
    public static string NameOf(string involved, long id) => string.Create(CultureInfo.InvariantCulture, $"{involved}.{id:x}");

    /// <summary>The number of an event by its name; null: it is no event's name.</summary>
    public static long? IdOf(string name) =>
        name.LastIndexOf('.') is var dot and > 0 && long.TryParse(name.AsSpan(dot + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id) && id >= 0 ? id : null;
}
