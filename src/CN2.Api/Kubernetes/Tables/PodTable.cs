using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get pods</c>.</summary>
internal static class PodTable
{
    public static TableLayout Layout { get; } = new(
    [
        NameOf,
        Of("Ready", "How many of its containers answer."),
        Of("Status", "Its phase, or what a container waits for."),
        Of("Restarts", "How often containers started anew, and when they last did."),
        Age,
        Wide("IP", "Its address."),
        Wide("Node", "The node it is bound to."),
        Wide("Nominated Node", "The node that is being cleared for it."),
        Wide("Readiness Gates", "How many of the conditions it asks for hold."),
    ],
    (pod, context) =>
    {
        var (spec, status) = (pod["spec"], pod["status"]);
        var containers = status.Items("containerStatuses").ToList();
        var starting = status.Items("initContainerStatuses").ToList();
        return
        [
            pod.Name(),
            $"{containers.Count(IsReady)}/{spec.Count("containers")}",
            PodStatus.Of(pod, containers, starting),
            Restarts([.. starting, .. containers], context),
            Ages.Of(pod, context),
            (status.Items("podIPs").FirstOrDefault()?.Text("ip") ?? status.Text("podIP")).OrNone(),
            spec.Text("nodeName").OrNone(),
            status.Text("nominatedNodeName").OrNone(),
            Gates(spec, status),
        ];
    });

    private static bool IsReady(JsonObject container) => container.Is("ready") && container["state"].Member("running") is not null;

    private static string Restarts(IReadOnlyList<JsonObject> containers, TableContext context)
    {
        var count = containers.Sum(c => c.Number("restartCount") ?? 0);
        var last = containers.Select(c => c["lastState"].Member("terminated", "finishedAt").Time()).Max();
        return count > 0 && last is { } time ? $"{count} ({Ages.Words(context.Now - time)} ago)" : $"{count}";
    }

    private static string Gates(JsonNode? spec, JsonNode? status)
    {
        var gates = spec.Items("readinessGates").ToList();
        return gates.Count == 0 ? "<none>" : $"{gates.Count(g => g.Text("conditionType") is { } type && status.Condition(type)?.Text("status") == "True")}/{gates.Count}";
    }
}
