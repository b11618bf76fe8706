using System.Text.Json.Nodes;
using CN2.Api.Http;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>What Kubernetes asks of the spec of a Pod that nothing here depends on: its containers, and which fields may change. Pure.</summary>
internal static class PodRules
{
    /// <summary>The refusal of every other change, as Kubernetes says it.</summary>
    public const string Fixed = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    private static readonly string[] Lists = ["initContainers", "containers"];

    /// <summary>What is wrong with the containers of a new Pod.</summary>
    public static void Check(JsonObject pod, FaultList faults)
    {
        if (pod["spec"] is not JsonObject spec)
        {
            faults.Add("spec.containers", "Required value");
            return;
        }

        if (spec["containers"] is JsonArray { Count: 0 }) faults.Add("spec.containers", "Required value");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var list in Lists)
        {
            foreach (var (index, container) in (spec[list] as JsonArray ?? []).Index())
            {
                var path = $"spec.{list}[{index}]";
                if (container?["name"]?.ToString() is { Length: > 0 } name)
                {
                    if (!ResourceRules.IsName(name)) faults.Add($"{path}.name", ResourceRules.NameRule);
                    else if (!names.Add(name)) faults.Add($"{path}.name", $"Duplicate value: \"{name}\"");
                }

                foreach (var (number, port) in (container?["ports"] as JsonArray ?? []).Index())
                {
                    CheckPort($"{path}.ports[{number}].containerPort", port?["containerPort"], 1, faults);
                    CheckPort($"{path}.ports[{number}].hostPort", port?["hostPort"], 0, faults);
                }
            }
        }
    }

    /// <summary>The two Pods differ in nothing but what may change. A node is given by a binding alone.</summary>
    public static bool IsSameButForWhatMayChange(JsonObject before, JsonObject after)
    {
        var (old, now) = (Bare(before), Bare(after));
        var (had, has) = (Take(old, "tolerations"), Take(now, "tolerations"));
        if (had.Exists(t => !has.Exists(o => JsonNode.DeepEquals(t, o)))) return false;
        // Gates may be opened.
        var (closed, left) = (Take(old, "schedulingGates"), Take(now, "schedulingGates"));
        if (left.Exists(g => !closed.Exists(o => JsonNode.DeepEquals(g, o)))) return false;
        if (long.TryParse(old["terminationGracePeriodSeconds"]?.ToString(), System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds < 0 && now["terminationGracePeriodSeconds"]?.ToString() == "1")
            old["terminationGracePeriodSeconds"] = now["terminationGracePeriodSeconds"]!.DeepClone();
        return JsonNode.DeepEquals(old, now);
    }

    private static void CheckPort(string path, JsonNode? port, int least, FaultList faults)
    {
        if (port is null || (long.TryParse(port.ToString(), System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= least && number <= 65535)) return;
        faults.Add(path, "must be between 1 and 65535, inclusive");
    }

    private static JsonObject Bare(JsonObject pod)
    {
        var bare = (JsonObject?)pod["spec"]?.DeepClone() ?? [];
        bare.Remove("activeDeadlineSeconds");
        foreach (var container in Lists.SelectMany(l => bare[l] as JsonArray ?? []).OfType<JsonObject>()) container.Remove("image");
        return bare;
    }

    private static List<JsonNode?> Take(JsonObject spec, string member)
    {
        var items = (spec[member] as JsonArray ?? []).ToList();
        spec.Remove(member);
        return items;
    }
}
