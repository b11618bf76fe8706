using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get nodes</c>.</summary>
internal static class NodeTable
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static TableLayout Layout { get; } = new(
    [
        NameOf,
        Of("Status", "Ready or NotReady, and whether new pods are kept away."),
        Of("Roles", "What the node is for."),
        Age,
        Of("Version", "The version of the node's agent."),
        Wide("Internal-IP", "Its address."),
        Wide("External-IP", "Its address outside the cluster."),
        Wide("OS-Image", "Its operating system."),
        Wide("Kernel-Version", "Its kernel."),
        Wide("Container-Runtime", "The program that runs its containers."),
    ],
    (node, context) =>
    {
        var status = node["status"];
        var info = status.Member("nodeInfo");
        return
        [
            node.Name(),
            Status(node),
            Roles(node["metadata"].Member("labels") as JsonObject ?? []).Joined().OrNone(),
            Ages.Of(node, context),
            info.Text("kubeletVersion"),
            Address(status, "InternalIP"),
            Address(status, "ExternalIP"),
            info.Text("osImage") ?? Ages.Unknown,
            info.Text("kernelVersion") ?? Ages.Unknown,
            info.Text("containerRuntimeVersion") ?? Ages.Unknown,
        ];
    });

    private static string Status(JsonObject node)
    {
        var ready = node["status"].Condition("Ready") switch
        {
            null => "Unknown",
            var condition => condition.Text("status") == "True" ? "Ready" : "NotReady",
        };
        return node["spec"].Is("unschedulable") ? $"{ready},SchedulingDisabled" : ready;
    }

    private static IEnumerable<string> Roles(JsonObject labels) => labels
        .Select(l => l.Key.StartsWith(RolePrefix, StringComparison.Ordinal) ? l.Key[RolePrefix.Length..] : l.Key == "kubernetes.io/role" ? l.Value.Text() ?? "" : "")
        .Where(role => role.Length > 0).Distinct().Order(StringComparer.Ordinal);

    private static string Address(JsonNode? status, string type) => status.Items("addresses").FirstOrDefault(a => a.Text("type") == type)?.Text("address").OrNone() ?? "<none>";
}
