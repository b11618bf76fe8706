using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get svc</c>.</summary>
internal static class ServiceTable
{
    public static TableLayout Layout { get; } = new(
    [
        NameOf,
        Of("Type", "How the Service can be reached."),
        Of("Cluster-IP", "The address inside the cluster."),
        Of("External-IP", "The addresses outside the cluster; <pending> while there is none yet."),
        Of("Port(s)", "The ports: port, node port, protocol."),
        Age,
        Wide("Selector", "The labels of the pods that serve it."),
    ],
    (service, context) =>
    {
        var spec = service["spec"];
        return
        [
            service.Name(),
            spec.Text("type"),
            (spec.Texts("clusterIPs").FirstOrDefault() ?? spec.Text("clusterIP")).OrNone(),
            ExternalIP(spec, service["status"]),
            spec.Items("ports").Select(Port).Joined().OrNone(),
            Ages.Of(service, context),
            spec.Member("selector").Labels().OrNone(),
        ];
    });

    private static string ExternalIP(JsonNode? spec, JsonNode? status)
    {
        var given = spec.Texts("externalIPs");
        switch (spec.Text("type"))
        {
            case "ExternalName":
                return spec.Text("externalName").OrNone();
            case "LoadBalancer":
                var ingress = status.Member("loadBalancer").Items("ingress").Select(i => i.Text("ip") ?? i.Text("hostname")).OfType<string>().Distinct().Order(StringComparer.Ordinal);
                var all = ingress.Concat(given).Joined();
                return all.Length > 0 ? all : "<pending>";
            default:
                return given.Joined().OrNone();
        }
    }

    private static string Port(JsonObject port) =>
        port.Number("nodePort") is > 0 and var node ? $"{port.Number("port")}:{node}/{port.Text("protocol")}" : $"{port.Number("port")}/{port.Text("protocol")}";
}
