using System.Net.Http.Headers;
using System.Text;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Grants;

/// <summary>What a grant allows of networks and endpoints, by both doors.</summary>
public sealed class GrantedNetworkTests(TenantServer api) : IClassFixture<TenantServer>
{
    private static readonly (string, string) AsEditor = (TenantServer.Editor, "yes");

    [Fact]
    public async Task Everything_of_a_network_that_is_not_granted_is_named_with_what_is_granted()
    {
        await NamespaceAsync("named", """{"prefixes":["203.0.113.0/24"],"routeTargets":["target:64512:100-199"],"communities":["64512:*"],"largeCommunities":["64512:1:*"]}""");
        var path = "/v1/namespaces/named/external-networks/vn";
        var refused = (await api.PutAsync(path,
            """
            {"subnets":[{"cidr":"203.0.113.0/25"},{"cidr":"203.0.112.0/24"}],"routeTargets":["target:64512:100","target:64512:200"],"importRouteTargets":["target:64513:1"],
             "exportRouteTargets":["target:10.2.2.2:1"],"advertisement":{"communities":["64512:7","NO_EXPORT"],"largeCommunities":["64512:2:2"]}}
            """)).Expect(403);
        Assert.Equal("not-granted", refused.Code);
        Assert.Equal(["subnets[1].cidr", "routeTargets[1]", "importRouteTargets[0]", "exportRouteTargets[0]", "advertisement.communities[1]", "advertisement.largeCommunities[0]"], refused.ErrorPaths);
        Assert.Equal("203.0.112.0/24 is outside of the prefixes that the namespace is granted: 203.0.113.0/24", (string?)refused.Json!["errors"]!["subnets[1].cidr"]![0]);
        Assert.Equal("target:64512:200 is outside of the routeTargets that the namespace is granted: target:64512:100-199", (string?)refused.Json["errors"]!["routeTargets[1]"]![0]);

        var made = (await api.PutAsync(path, """{"subnets":[{"cidr":"203.0.113.0/25"}],"routeTargets":["target:64512:100"],"advertisement":{"communities":["64512:7"],"largeCommunities":["64512:1:2"]}}""", AsEditor)).Expect(201);
        Assert.Equal("Granted", made.ReasonOf("WithinGrant"));
        Assert.Equal("not-granted", (await api.PatchAsync(path, """{"advertisement":{"communities":["64513:1"]}}""", AsEditor)).Expect(403).Code);
        (await api.DeleteAsync(path, AsEditor)).Expect(204);
    }

    [Fact]
    public async Task Without_a_grant_only_operators_write_networks()
    {
        await NamespaceAsync("bare", null);
        var path = "/v1/namespaces/bare/external-networks/vn";
        var refused = (await api.PutAsync(path, """{"subnets":[{"cidr":"198.18.0.0/24"}]}""", AsEditor)).Expect(403);
        Assert.Equal("not-granted", refused.Code);
        (await api.PutAsync(path, """{"subnets":[{"cidr":"198.18.0.0/24"}]}""")).Expect(201);
        (await api.PatchAsync(path, """{"priority":1}""", AsEditor)).Expect(403);
        (await api.DeleteAsync(path, AsEditor)).Expect(403);
        Assert.Null(Reply.Condition((await api.GetAsync(path)).Json, "WithinGrant"));
        (await api.DeleteAsync(path)).Expect(204);
    }

    [Fact]
    public async Task An_existing_network_that_a_new_grant_does_not_cover_stays_with_a_condition_and_its_change_must_be_inside()
    {
        await NamespaceAsync("stays", null);
        var path = "/v1/namespaces/stays/external-networks/vn";
        var body = """{"subnets":[{"cidr":"198.19.0.0/24"}],"routeTargets":["target:64512:900"]}""";
        (await api.PutAsync(path, body)).Expect(201);
        (await api.PutAsync("/v1/namespaces/stays/grant", """{"prefixes":["198.19.1.0/24"],"routeTargets":["target:64512:900"]}""")).Expect(201);
        var shown = (await api.GetAsync(path)).Expect(200);
        Assert.Equal("OutsideGrant", shown.ReasonOf("WithinGrant"));
        Assert.Contains("198.19.0.0/24", (string)Reply.Condition(shown.Json, "WithinGrant")!["message"]!, StringComparison.Ordinal);
        (await api.PutAsync(path, body)).Expect(200); // nothing changes
        Assert.Equal("not-granted", (await api.PatchAsync(path, """{"priority":7}""")).Expect(403).Code);
        (await api.PatchAsync(path, """{"priority":7,"subnets":[{"cidr":"198.19.1.0/24"}]}""")).Expect(200);
        Assert.Equal("Granted", (await api.GetAsync(path)).ReasonOf("WithinGrant"));
    }

    [Fact]
    public async Task Endpoints_lie_inside_the_endpoint_prefixes()
    {
        await NamespaceAsync("pods", """{"endpointPrefixes":["10.64.0.0/16"]}""");
        var path = "/v1/namespaces/pods/virtual-machine-interfaces";
        var refused = (await api.PutAsync($"{path}/a", """{"addresses":["10.65.0.1"],"virtualRouter":"compute1"}""")).Expect(403);
        Assert.Equal("not-granted", refused.Code);
        Assert.Equal(["addresses"], refused.ErrorPaths);
        Assert.Contains("10.65.0.1 is outside of the endpointPrefixes that Namespace pods is granted: 10.64.0.0/16", refused.Text, StringComparison.Ordinal);
        (await api.PutAsync($"{path}/a", """{"addresses":["10.64.0.1"],"virtualRouter":"compute1"}""")).Expect(201);
        (await api.PatchAsync($"{path}/a", """{"addresses":["10.64.0.1","2001:db8::1"]}""")).Expect(403);
        (await api.PostAsync($"{path}:batch", """{"items":[{"name":"b","addresses":["10.64.0.2"],"virtualRouter":"compute1"},{"name":"c","addresses":["10.65.0.2"],"virtualRouter":"compute1"}]}""")).Expect(403);
        (await api.GetAsync($"{path}/b")).Expect(404);

        // What was there before the grant stays, and its labels may change; its addresses may not.
        (await api.PutAsync("/v1/namespaces/pods/grant", """{"endpointPrefixes":[]}""")).Expect(200);
        (await api.PatchAsync($"{path}/a", """{"labels":{"x":"y"}}""")).Expect(200);
        (await api.PatchAsync($"{path}/a", """{"virtualRouter":"compute2"}""")).Expect(403);
        (await api.PutAsync("/v1/namespaces/pods/grant", "{}")).Expect(200);
        (await api.PutAsync($"{path}/d", """{"addresses":["10.65.0.9"],"virtualRouter":"compute1"}""")).Expect(201);
    }

    [Fact]
    public async Task The_Kubernetes_API_refuses_the_same_as_Forbidden()
    {
        await NamespaceAsync("kube", """{"prefixes":["192.0.2.0/24"],"endpointPrefixes":["10.70.0.0/16"],"quota":{"services":1,"virtualMachineInterfaces":1}}""");
        var pods = "/api/v1/namespaces/kube/pods";
        foreach (var name in (string[])["p0", "p1", "p2"]) Assert.Equal(201, (await KubernetesAsync(HttpMethod.Post, pods, Pod(name))).Status);
        // A Pod becomes an endpoint with its address.
        Assert.Equal(403, (await KubernetesAsync(HttpMethod.Patch, $"{pods}/p0/status", Status("10.71.0.1"))).Status);
        var (status, text) = await KubernetesAsync(HttpMethod.Patch, $"{pods}/p1/status", Status("10.70.0.1"));
        Assert.True(status == 200, text);
        (status, text) = await KubernetesAsync(HttpMethod.Patch, $"{pods}/p2/status", Status("10.70.0.2"));
        Assert.Equal(403, status);
        Assert.Contains("\"reason\":\"Forbidden\"", text, StringComparison.Ordinal);
        Assert.Contains("uses 1 of at most 1 virtualMachineInterfaces", text, StringComparison.Ordinal);
        Assert.Equal(201, (await KubernetesAsync(HttpMethod.Post, "/api/v1/namespaces/kube/services", Service("s1"))).Status);
        Assert.Equal(403, (await KubernetesAsync(HttpMethod.Post, "/api/v1/namespaces/kube/services", Service("s2"))).Status);

        var nads = "/apis/k8s.cni.cncf.io/v1/namespaces/kube/network-attachment-definitions";
        (status, text) = await KubernetesAsync(HttpMethod.Post, nads, Network("outside", "192.0.3.0/24"), editor: true);
        Assert.True(status == 403, text);
        Assert.Contains("192.0.3.0/24 is outside of the prefixes", text, StringComparison.Ordinal);
        (status, text) = await KubernetesAsync(HttpMethod.Post, nads, Network("inside", "192.0.2.0/24"), editor: true);
        Assert.True(status == 201, text);
        await NamespaceAsync("kube-bare", null);
        (status, text) = await KubernetesAsync(HttpMethod.Post, nads.Replace("/kube/", "/kube-bare/", StringComparison.Ordinal), Network("n", "198.18.9.0/24"), editor: true);
        Assert.True(status == 403, text);
    }

    private static string Pod(string name) => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"nodeName":"compute1","containers":[{"name":"c","image":"i"}]}}""";

    private static string Status(string address) => $$$$"""{"status":{"phase":"Running","podIP":"{{{{address}}}}","podIPs":[{"ip":"{{{{address}}}}"}]}}""";

    private static string Service(string name) => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"type":"ClusterIP","ports":[{"port":80}]}}""";

    private static string Network(string name, string cidr) =>
        $$$$"""{"metadata":{"name":"{{{{name}}}}","annotations":{"juniper.net/networks":"{\"ipamV4Subnet\":\"{{{{cidr}}}}\"}"}},"spec":{"config":"{\"cniVersion\":\"0.3.1\",\"name\":\"{{{{name}}}}\",\"type\":\"contrail-k8s-cni\"}"}}""";

    private async Task NamespaceAsync(string name, string? grant)
    {
        (await api.PutAsync($"/v1/namespaces/{name}", "{}")).Expect(201);
        if (grant is not null) (await api.PutAsync($"/v1/namespaces/{name}/grant", grant)).Expect(201);
    }

    private async Task<(int Status, string Text)> KubernetesAsync(HttpMethod method, string path, string body, bool editor = false)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json")) };
        if (editor) request.Headers.Add(TenantServer.Editor, "yes");
        using var response = await api.Kubernetes.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
