using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes.Kinds;

namespace CN2.Api.Tests.Kubernetes.Bindings;

public sealed class NetworkBindingTests(ApiServer api) : IClassFixture<ApiServer>
{
    private readonly BindingRoom _room = new(api);

    [Theory]
    [InlineData("first", 0, 1)]
    [InlineData("second", 1, 0)]
    public async Task A_network_and_its_subnet_can_be_written_in_either_order(string ns, int first, int second)
    {
        await _room.NamespaceAsync(ns);
        var documents = Manifests.Documents("ExternalNet.yaml").Select(d => d.Replace("namespace: ns1", $"namespace: {ns}", StringComparison.Ordinal).Replace("100.0.0.0", $"100.{first}.0.0", StringComparison.Ordinal)).ToArray();
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(documents[first]));
        (await api.GetAsync($"/v1/namespaces/{ns}/external-networks/vn-external1")).Expect(404);
        var (kind, name) = first == 0 ? ("Subnet", "subnet-external1") : ("VirtualNetwork", "vn-external1");
        var waiting = await _room.GetAsync(kind, ns, name);
        Assert.Equal("Pending", waiting!["status"]!["state"]!.ToString());
        Assert.Equal([name], await _room.ListAsync(kind, ns));

        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(documents[second]));
        var network = (await api.GetAsync($"/v1/namespaces/{ns}/external-networks/vn-external1")).Expect(200).Json!;
        Assert.Equal($"100.{first}.0.0/24", network["subnets"]![0]!["cidr"]!.ToString());
        Assert.Equal("default-external", network["labels"]!["service.contrail.juniper.net/externalNetwork"]!.ToString());
        var shown = (await _room.GetAsync("VirtualNetwork", ns, "vn-external1"))!;
        Assert.Equal("Success", shown["status"]!["state"]!.ToString());
        Assert.Equal(network["uid"]!.ToString(), shown["metadata"]!["uid"]!.ToString());
        var subnet = (await _room.GetAsync("Subnet", ns, "subnet-external1"))!;
        Assert.Equal("1.17% 100." + first + ".0.1", $"{subnet["status"]!["allocationUsage"]} {subnet["spec"]!["defaultGateway"]}");
        // The same object all the way.
        Assert.Equal(waiting["metadata"]!["uid"]!.ToString(), (first == 0 ? subnet : shown)["metadata"]!["uid"]!.ToString());
        foreach (var document in documents)
        {
            var (written, _, definition) = Manifests.Object(document);
            Manifests.AssertContains(await _room.GetAsync(definition.Kind, ns, written["metadata"]!["name"]!.ToString()), new JsonObject { ["spec"] = written["spec"]!.DeepClone() });
        }

        Assert.Equal(["vn-external1"], await _room.ListAsync("RoutingInstance", ns));
        Assert.Equal(["subnet-external1"], await _room.ListAsync("Subnet", ns));

        Assert.IsType<ObjectOutcome.InUse>(await _room.DeleteAsync("Subnet", ns, "subnet-external1"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("VirtualNetwork", ns, "vn-external1"));
        (await api.GetAsync($"/v1/namespaces/{ns}/external-networks/vn-external1")).Expect(404);
        Assert.Equal("Pending", (await _room.GetAsync("Subnet", ns, "subnet-external1"))!["status"]!["state"]!.ToString());
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("Subnet", ns, "subnet-external1"));
        Assert.Null(await _room.GetAsync("Subnet", ns, "subnet-external1"));
        Assert.Empty(await _room.ListAsync("VirtualNetwork", ns));
    }

    [Fact]
    public async Task A_subnet_that_two_networks_use_is_one_and_an_edit_reaches_both()
    {
        await _room.NamespaceAsync("shared");
        await _room.ApplyAsync(Subnet("shared", "s", "10.0.0.0/24"));
        await _room.ApplyAsync(Network("shared", "a", "s"));
        await _room.ApplyAsync(Network("shared", "b", "s"));
        (await api.PatchAsync("/v1/namespaces/shared/external-networks/a", """{"priority": 7, "subnets": [{"cidr": "10.0.0.0/24", "reserved": ["10.0.0.9"]}]}""")).Expect(200);

        var outcome = await _room.ApplyAsync(Subnet("shared", "s", "10.0.0.0/24") + "\n  ranges:\n  - key: k\n    ipRanges:\n    - {from: 10.0.0.2, to: 10.0.0.20}\n");
        Assert.IsType<ObjectOutcome.Stored>(outcome);
        foreach (var name in (string[])["a", "b"])
        {
            var network = (await api.GetAsync($"/v1/namespaces/shared/external-networks/{name}")).Expect(200).Json!;
            Assert.Equal("10.0.0.20", network["subnets"]![0]!["ranges"]![0]!["to"]!.ToString());
            Assert.Equal(name == "a" ? "7 1" : "0 0", $"{network["priority"]} {network["subnets"]![0]!["reserved"]!.AsArray().Count}");
        }

        var refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(Subnet("shared", "s", "10.0.0.0/33")));
        Assert.Contains("spec.cidr", refused.Problem.Errors!.Keys);
        refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(Network("shared", "a", "none")));
        Assert.Contains("spec.v4SubnetReference", refused.Problem.Errors!.Keys);
    }

    [Fact]
    public async Task A_network_of_v1_is_shown_with_subnets_that_can_be_edited_and_follow_it()
    {
        await _room.NamespaceAsync("rest");
        (await api.PutAsync("/v1/namespaces/rest/external-networks/net", """{"subnets": [{"cidr": "10.1.0.0/24"}, {"cidr": "10.2.0.0/24"}, {"cidr": "2001:db8::/64"}], "importRouteTargets": ["target:1:1"]}""")).Expect(201);
        Assert.Equal(["net-v4", "net-v4-2", "net-v6"], await _room.ListAsync("Subnet", "rest"));
        var shown = (await _room.GetAsync("VirtualNetwork", "rest", "net"))!;
        Assert.Equal("net-v6", shown["spec"]!["v6SubnetReference"]!["name"]!.ToString());
        var second = (await _room.GetAsync("Subnet", "rest", "net-v4-2"))!;
        Assert.Equal("10.2.0.0/24", second["spec"]!["cidr"]!.ToString());
        second["spec"]!["defaultGateway"] = "10.2.0.254";
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("Subnet"), second));
        var subnets = (await api.GetAsync("/v1/namespaces/rest/external-networks/net")).Expect(200).Json!["subnets"]!.AsArray();
        Assert.Equal(["10.1.0.0/24 10.1.0.1", "10.2.0.0/24 10.2.0.254", "2001:db8::/64 2001:db8::1"], subnets.Select(s => $"{s!["cidr"]} {s["gateway"]}"));

        shown["spec"]!["fabricForwarding"] = true;
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(_room.Of("VirtualNetwork"), shown));
        var network = (await api.GetAsync("/v1/namespaces/rest/external-networks/net")).Expect(200).Json!;
        Assert.Equal("true 3 target:1:1", $"{network["fabricForwarding"]} {network["subnets"]!.AsArray().Count} {network["importRouteTargets"]![0]}");
        (await api.DeleteAsync("/v1/namespaces/rest/external-networks/net")).Expect(204);
        Assert.Null(await _room.GetAsync("VirtualNetwork", "rest", "net"));
    }

    [Fact]
    public async Task An_attachment_makes_a_network_and_shares_it_with_nobody()
    {
        await _room.NamespaceAsync("nad");
        foreach (var document in Manifests.Documents("RouteLeak-sameRT.yaml"))
        {
            var manifest = document.Replace("namespace: ns1", "namespace: nad", StringComparison.Ordinal);
            Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(manifest));
            var (written, _, _) = Manifests.Object(manifest);
            Manifests.AssertContains(await _room.GetAsync("NetworkAttachmentDefinition", "nad", written["metadata"]!["name"]!.ToString()), written);
        }

        var network = (await api.GetAsync("/v1/namespaces/nad/external-networks/vn1")).Expect(200).Json!;
        Assert.Equal("10.0.0.0/24 target:64512:1 0", $"{network["subnets"]![0]!["cidr"]} {network["routeTargets"]![0]} {network["annotations"]!.AsObject().Count}");
        Assert.Equal(["vn1-v4", "vn2-v4"], await _room.ListAsync("Subnet", "nad"));
        Assert.Equal(["vn1", "vn2"], await _room.ListAsync("NetworkAttachmentDefinition", "nad"));

        (await api.PatchAsync("/v1/namespaces/nad/external-networks/vn1", """{"routeTargets": ["target:64512:3"]}""")).Expect(200);
        Assert.Contains("64512:3", (await _room.GetAsync("NetworkAttachmentDefinition", "nad", "vn1"))!["metadata"]!["annotations"]!["juniper.net/networks"]!.ToString(), StringComparison.Ordinal);

        (await api.PutAsync("/v1/namespaces/nad/external-networks/other", """{"subnets": [{"cidr": "10.9.0.0/24"}]}""")).Expect(201);
        var refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(Attachment("other", "{\"ipamV4Subnet\": \"10.8.0.0/24\"}")));
        Assert.Equal("already-exists", refused.Problem.Code);
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(Attachment("other", "{}")));
        Assert.Equal("10.9.0.0/24", (await api.GetAsync("/v1/namespaces/nad/external-networks/other")).Json!["subnets"]![0]!["cidr"]!.ToString());
        refused = Assert.IsType<ObjectOutcome.Refused>(await _room.ApplyAsync(Attachment("broken", "{")));
        Assert.Contains("metadata.annotations[juniper.net/networks]", refused.Problem.Errors!.Keys);

        // Without the annotation it makes no network any more, and lives alone.
        Assert.IsType<ObjectOutcome.Stored>(await _room.ApplyAsync(Attachment("vn1", "{}")));
        (await api.GetAsync("/v1/namespaces/nad/external-networks/vn1")).Expect(404);
        Assert.NotNull(await _room.GetAsync("NetworkAttachmentDefinition", "nad", "vn1"));
        Assert.IsType<ObjectOutcome.Gone>(await _room.DeleteAsync("NetworkAttachmentDefinition", "nad", "vn2"));
        (await api.GetAsync("/v1/namespaces/nad/external-networks/vn2")).Expect(404);
        Assert.Equal(["other", "vn1"], await _room.ListAsync("NetworkAttachmentDefinition", "nad"));
    }

    private static string Subnet(string ns, string name, string cidr) =>
        $"apiVersion: core.contrail.juniper.net/v1alpha1\nkind: Subnet\nmetadata: {{name: {name}, namespace: {ns}}}\nspec:\n  cidr: {cidr}";

    private static string Network(string ns, string name, string subnet) =>
        $"apiVersion: core.contrail.juniper.net/v1alpha1\nkind: VirtualNetwork\nmetadata: {{name: {name}, namespace: {ns}}}\nspec:\n  v4SubnetReference: {{name: {subnet}}}";

    private static string Attachment(string name, string networks) =>
        $"apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata:\n  name: {name}\n  namespace: nad\n  annotations:\n    juniper.net/networks: '{networks}'\nspec: {{config: '{{}}'}}";
}
