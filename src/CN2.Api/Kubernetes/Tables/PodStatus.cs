using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Tables;

/// <summary>The column Status of a pod: the most useful of its phase, its reason, and what its containers wait for or ended with.</summary>
internal static class PodStatus
{
    /// <param name="pod">The pod.</param>
    /// <param name="containers">The states of its containers.</param>
    /// <param name="starting">The states of those that run before them.</param>
    public static string Of(JsonObject pod, IReadOnlyList<JsonObject> containers, IReadOnlyList<JsonObject> starting)
    {
        var status = pod["status"];
        var phase = status.Text("phase");
        var reason = status.Text("reason") ?? phase ?? "Unknown";
        if (pod["metadata"].Member("deletionTimestamp") is not null && phase is not ("Succeeded" or "Failed")) return status.Text("reason") == "NodeLost" ? "Unknown" : "Terminating";
        if (status.Condition("PodScheduled")?.Text("reason") == "SchedulingGated") reason = "SchedulingGated";
        return Starting(pod, starting) ?? Running(status, containers, reason);
    }

    /// <summary>What the first container that has not done its work before the others waits for; null: all have.</summary>
    private static string? Starting(JsonObject pod, IReadOnlyList<JsonObject> containers)
    {
        for (var i = 0; i < containers.Count; i++)
        {
            var state = containers[i]["state"];
            if (state.Member("terminated") is { } ended)
            {
                if (ended.Number("exitCode") is null or 0) continue;
                return $"Init:{EndOf(ended)}";
            }

            if (containers[i].Is("started") && IsSidecar(pod, containers[i].Text("name"))) continue;
            return state.Member("waiting").Text("reason") is { } waits and not "PodInitializing" ? $"Init:{waits}" : $"Init:{i}/{pod["spec"].Count("initContainers")}";
        }

        return null;
    }

    /// <summary>It starts before the others and runs beside them.</summary>
    private static bool IsSidecar(JsonObject pod, string? name) => pod["spec"].Items("initContainers").Any(c => c.Text("name") == name && c.Text("restartPolicy") == "Always");

    /// <summary>The first container that has something to say decides.</summary>
    private static string Running(JsonNode? status, IReadOnlyList<JsonObject> containers, string reason)
    {
        var isRunning = false;
        foreach (var container in containers.Reverse())
        {
            var state = container["state"];
            if (state.Member("waiting").Text("reason") is { } waits) reason = waits;
            else if (state.Member("terminated") is { } ended) reason = EndOf(ended);
            else if (container.Is("ready") && state.Member("running") is not null) isRunning = true;
        }

        return reason == "Completed" && isRunning ? status.Condition("Ready")?.Text("status") == "True" ? "Running" : "NotReady" : reason;
    }

    private static string EndOf(JsonNode ended) =>
        ended.Text("reason") ?? (ended.Number("signal") is > 0 and var signal ? $"Signal:{signal}" : $"ExitCode:{ended.Number("exitCode") ?? 0}");
}
