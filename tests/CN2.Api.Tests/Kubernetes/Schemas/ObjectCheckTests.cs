using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Tests.Kubernetes.Schemas;

public sealed class ObjectCheckTests
{
    private static readonly Schema.Structure Service = ServiceSchema.Definition.Schema;

    [Fact]
    public void Every_fault_is_told_at_once_and_unknown_fields_are_left_out()
    {
        var result = Check(Service, """
            {"spec": {"foo": 1, "type": "Loadbalancer", "ports": [{"prot": 1, "targetPort": {}}, {"port": "80"}, {"port": 5000000000}], "selector": {"a": 1}, "ipFamilies": ["IPv5"]}}
            """);
        Assert.Equal(["unknown field \"spec.foo\"", "unknown field \"spec.ports[0].prot\""], result.Unknown);
        Assert.Equal(
        [
            "NotSupported spec.type", "Type spec.ports[0].targetPort", "Required spec.ports[0].port", "Type spec.ports[1].port", "Type spec.ports[2].port",
            "Type spec.selector.a", "NotSupported spec.ipFamilies[0]",
        ], result.Faults.Select(f => $"{f.Kind} {f.Path}"));
        Assert.Equal("Unsupported value: \"Loadbalancer\": supported values: \"ClusterIP\", \"NodePort\", \"LoadBalancer\", \"ExternalName\"", result.Faults[0].Message);
        Assert.False(result.Object["spec"]!.AsObject().ContainsKey("foo"));
    }

    [Fact]
    public void Defaults_are_filled_in_where_their_parent_is()
    {
        var result = Check(Service, """{"spec": {"type": "", "clusterIP": null, "ports": [{"port": 80}]}, "status": null}""");
        Assert.Empty(result.Faults);
        Assert.Equal("""{"ports":[{"port":80,"protocol":"TCP"}],"internalTrafficPolicy":"Cluster","sessionAffinity":"None","type":"ClusterIP"}""", result.Object["spec"]!.ToJsonString());
        Assert.False(result.Object.ContainsKey("status"));
    }

    [Fact]
    public void A_misspelt_field_of_a_pod_is_found_however_deep()
    {
        var result = Check(PodSchema.Definition.Schema, """
            {"spec": {"containers": [{"name": "nginx", "imag": "nginx", "securityContext": {"capabilities": {"ad": []}}, "readinessProbe": {"httpGet": {"port": "http", "pth": "/"}}, "resources": {"limits": {"cpu": 1, "memory": "many"}}}], "volumes": [{"name": "a", "configMap": {"name": "b"}, "iscsi": {"anything": [1]}}]}}
            """);
        Assert.Equal(
        [
            "unknown field \"spec.containers[0].imag\"", "unknown field \"spec.containers[0].securityContext.capabilities.ad\"", "unknown field \"spec.containers[0].readinessProbe.httpGet.pth\"",
        ], result.Unknown);
        Assert.Equal("Invalid spec.containers[0].resources.limits.memory", Assert.Single(result.Faults) is var fault ? $"{fault.Kind} {fault.Path}" : null);
        Assert.Equal("1", (string?)result.Object["spec"]!["containers"]![0]!["resources"]!["limits"]!["cpu"]);
        Assert.Equal("""{"anything":[1]}""", result.Object["spec"]!["volumes"]![0]!["iscsi"]!.ToJsonString());
    }

    [Fact]
    public void The_lists_are_bounded()
    {
        var many = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"f{i}\": 1"));
        Assert.Equal(100, Check(Service, $"{{{many}}}").Unknown.Count);
        Assert.Equal(100, Check(Service, "{\"metadata\": {\"labels\": {" + many + "}}}").Faults.Count);
    }

    [Fact]
    public void What_a_kubemanager_has_beside_its_selectors_is_kept() => Assert.Equal("""{"spec":{"nodeSelector":{"a":"b"}}}""",
        Check(KubemanagerSchema.V1.Schema, """{"spec": {"nodeSelector": {"a": "b"}}}""").Object.ToJsonString());

    private static CheckedObject Check(Schema.Structure form, string json) => ObjectCheck.Check(JsonNode.Parse(json)!.AsObject(), form);
}
