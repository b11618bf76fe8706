using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Access;

/// <summary>Lists and events show what the caller may see: of the namespaces of its role bindings, and no name of another.</summary>
public sealed class VisibilityTests(RoleServer api) : IClassFixture<RoleServer>
{
    private const string ClusterIP = """{"type":"ClusterIP","selector":{"app":"web"},"ports":[{"port":80}]}""";

    [Fact]
    public async Task A_list_of_all_namespaces_shows_those_of_the_caller_and_its_pages_are_full()
    {
        foreach (var path in (string[])["ns1/services/list-a", "ns2/services/list-b", "ns1/services/list-c", "ns2/services/list-d", "ns1/services/list-e"])
            (await api.PutAsync($"/v1/namespaces/{path}", ClusterIP)).Expect(201);
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await api.GetAsAsync("viewer1", $"/v1/services?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}")).Expect(200).Json!;
            cursor = (string?)page["nextCursor"];
            var items = page["items"]!.AsArray();
            Assert.True(cursor is null || items.Count == 2, "a page before the last is full");
            seen.AddRange(items.Select(i => $"{i!["namespace"]}/{i["name"]}").Where(n => n.Contains("list-", StringComparison.Ordinal)));
        }
        while (cursor is not null);
        Assert.Equal(["ns1/list-a", "ns1/list-c", "ns1/list-e"], seen);
        Assert.Equal(["ns1"], Names((await api.GetAsAsync("viewer1", "/v1/namespaces")).Expect(200)));
        Assert.Contains("ns2/", (await api.GetAsAsync("viewer", "/v1/services")).Expect(200).Text.Replace("\"namespace\":\"ns2\"", "ns2/", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("ns2", (await api.GetAsAsync("viewer1", "/v1/floating-ips")).Expect(200).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_without_a_role_gets_no_list_at_all()
    {
        foreach (var path in (string[])["/v1/services", "/v1/namespaces", "/v1/external-networks", "/v1/events", "/v1/watch"]) (await api.GetAsAsync("nobody", path)).Expect(403);
    }

    [Fact]
    public async Task A_group_gives_its_members_the_role()
    {
        (await api.GetAsAsync("carol", "/v1/namespaces/ns1/services")).Expect(403);
        (await api.PutAsync("/v1/role-bindings/web-team", """{"subjects":[{"kind":"Group","name":"web"}],"role":"editor","namespaces":["ns1"]}""")).Expect(201);
        (await api.GetAsAsync("carol,other,web", "/v1/namespaces/ns1/services")).Expect(200);
        (await api.GetAsAsync("carol,other", "/v1/namespaces/ns1/services")).Expect(403);
        (await api.GetAsAsync("web", "/v1/namespaces/ns1/services")).Expect(403);
    }

    [Fact]
    public async Task Networks_of_others_are_seen_by_those_who_may_use_them_without_what_names_others()
    {
        (await api.PutAsync("/v1/namespaces/shared", """{"labels":{"kind":"shared"}}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/shared/external-networks/open", """{"subnets":[{"cidr":"61.0.0.0/24"}],"annotations":{"owner":"x"}}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/shared/external-networks/closed", """{"subnets":[{"cidr":"61.0.1.0/24"}]}""")).Expect(201);
        // The field of another part of the product, as it is stored.
        await ExecuteAsync("""UPDATE external_network SET spec = spec || '{"allowedNamespaces":{"matchLabels":{"kind":"shared"}}}' WHERE name = 'closed'""");

        Assert.Equal(["open"], Names((await api.GetAsAsync("viewer1", "/v1/external-networks")).Expect(200)).Where(n => n is "open" or "closed"));
        var open = (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks/open")).Expect(200).Json!;
        Assert.Empty(open["annotations"]!.AsObject());
        Assert.Empty(open["status"]!["conditions"]!.AsArray());
        var closed = (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks/closed")).Expect(403);
        var absent = (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks/absent")).Expect(403);
        Assert.Equal(absent.Text, closed.Text.Replace("/closed", "/absent", StringComparison.Ordinal));
        Assert.Equal(["closed", "open"], Names((await api.GetAsAsync("viewer", "/v1/external-networks")).Expect(200)).Where(n => n is "open" or "closed"));
        (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks")).Expect(403);
        (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks/open/routes")).Expect(403);

        await ExecuteAsync("UPDATE namespace SET labels = '{\"kind\":\"shared\"}' WHERE name = 'ns1'");
        (await api.GetAsAsync("viewer1", "/v1/namespaces/shared/external-networks/closed")).Expect(200);
    }

    [Fact]
    public async Task A_Subnet_that_a_network_of_another_namespace_uses_is_changed_by_those_who_may_write_there()
    {
        const string Root = "/apis/core.contrail.juniper.net/v1alpha1/namespaces";
        var subnet = """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"Subnet","metadata":{"name":"shared"},"spec":{"cidr":"10.61.0.0/24"}}""";
        var network = """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"of-ns2"},"spec":{"v4SubnetReference":{"name":"shared","namespace":"ns1"}}}""";
        Assert.Equal(201, (await api.KubernetesAsync("admin", HttpMethod.Post, $"{Root}/ns1/subnets", subnet)).Status);
        var (made, text) = await api.KubernetesAsync("admin", HttpMethod.Post, $"{Root}/ns2/virtualnetworks", network);
        Assert.True(made == 201, text);
        Assert.Equal("10.61.0.0/24", (string?)(await api.GetAsync("/v1/namespaces/ns2/external-networks/of-ns2")).Expect(200).Json!["subnets"]![0]!["cidr"]);

        var (refused, why) = await WidenAsync("editor1");
        Assert.True(refused == 403 && !why.Contains("ns2", StringComparison.Ordinal), why);
        Assert.Equal("10.61.0.0/24", (string?)(await api.GetAsync("/v1/namespaces/ns2/external-networks/of-ns2")).Expect(200).Json!["subnets"]![0]!["cidr"]);
        var (status, done) = await WidenAsync("admin");
        Assert.True(status == 200, done);

        async Task<(int Status, string Text)> WidenAsync(string user)
        {
            using var response = await RoleServer.BeginAsync(
                api.Kubernetes, user, HttpMethod.Patch, $"{Root}/ns1/subnets/shared", """{"spec":{"ranges":[{"key":"r","ipRanges":[{"from":"10.61.0.10","to":"10.61.0.20"}]}]}}""", "application/merge-patch+json");
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Events_are_those_of_the_callers_namespaces()
    {
        await ExecuteAsync(
            """
            INSERT INTO event (kind, namespace, name, at, type, reason, message) VALUES
                (4, 'ns1', 'ev-one', now(), 'Normal', 'Tried', 'm'), (4, 'ns2', 'ev-two', now(), 'Normal', 'Tried', 'm'), (8, NULL, 'ev-router', now(), 'Normal', 'Tried', 'm')
            """);
        Assert.Equal(["services/ns1/ev-one"], Tried((await api.GetAsAsync("viewer1", "/v1/events")).Expect(200)));
        Assert.Equal(["bgp-routers/ev-router", "services/ns2/ev-two", "services/ns1/ev-one"], Tried((await api.GetAsAsync("viewer", "/v1/events")).Expect(200)));
        (await api.GetAsAsync("viewer1", "/v1/events?regarding=services/ns2/ev-two")).Expect(403);
        (await api.GetAsAsync("viewer1", "/v1/events?regarding=bgp-routers/ev-router")).Expect(403);
        (await api.GetAsAsync("viewer1", "/v1/events?regarding=services/ns1/ev-one")).Expect(200);

        // Kubernetes puts an event about something without a namespace into default.
        await api.BindAsync("of-default", "viewer", "default");
        var (_, listed) = await api.KubernetesAsync("of-default", HttpMethod.Get, "/api/v1/namespaces/default/events");
        Assert.DoesNotContain("ev-router", listed, StringComparison.Ordinal);
        var (_, all) = await api.KubernetesAsync("viewer1", HttpMethod.Get, "/api/v1/events");
        Assert.Contains("ev-one", all, StringComparison.Ordinal);
        Assert.DoesNotContain("ev-two", all, StringComparison.Ordinal);
        Assert.DoesNotContain("ev-router", all, StringComparison.Ordinal);
        var (_, whole) = await api.KubernetesAsync("viewer", HttpMethod.Get, "/api/v1/events");
        Assert.Contains("ev-router", whole, StringComparison.Ordinal);
        var item = JsonNode.Parse(whole)!["items"]!.AsArray().First(i => (string?)i!["involvedObject"]!["name"] == "ev-router")!["metadata"]!;
        if ((string?)item["namespace"] == "default") Assert.Equal(404, (await api.KubernetesAsync("of-default", HttpMethod.Get, $"/api/v1/namespaces/default/events/{item["name"]}")).Status);
    }

    [Theory]
    [InlineData("/api/v1/services", "services")]
    [InlineData("/api/v1/endpoints", "services")]
    [InlineData("/apis/discovery.k8s.io/v1/endpointslices", "services")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/floatingips", "services")]
    [InlineData("/api/v1/namespaces", "")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/virtualnetworks", "external-networks")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/subnets", "external-networks")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/routinginstances", "external-networks")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/virtualmachineinterfaces", "virtual-machine-interfaces")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/servicehealthchecks", "service-health-checks")]
    public async Task Lists_of_the_Kubernetes_API_show_the_callers_namespaces(string path, string collection)
    {
        await FillAsync(collection);
        foreach (var query in (string[])["", "?limit=500", "?labelSelector=a!=b"])
        {
            var (status, mine) = await api.KubernetesAsync("viewer1", HttpMethod.Get, path + query);
            Assert.Equal(200, status);
            Assert.DoesNotContain("ns2", mine, StringComparison.Ordinal);
            Assert.DoesNotContain("of-two", mine, StringComparison.Ordinal);
            var (_, all) = await api.KubernetesAsync("viewer", HttpMethod.Get, path + query);
            Assert.Contains(collection.Length > 0 ? "of-two" : "ns2", all, StringComparison.Ordinal);
            Assert.NotEmpty(JsonNode.Parse(mine)!["items"]!.AsArray());
        }
    }

    [Fact]
    public async Task A_FloatingIP_of_another_namespace_is_refused_in_the_Kubernetes_API_although_its_path_names_none()
    {
        await FillAsync("services");
        const string Root = "/apis/core.contrail.juniper.net/v1alpha1/floatingips";
        var (_, all) = await api.KubernetesAsync("viewer", HttpMethod.Get, Root);
        var names = JsonNode.Parse(all)!["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!).ToList();
        var (mine, other) = (names.First(n => n.Contains("of-one", StringComparison.Ordinal)), names.First(n => n.Contains("of-two", StringComparison.Ordinal)));
        Assert.Equal(200, (await api.KubernetesAsync("viewer1", HttpMethod.Get, $"{Root}/{mine}")).Status);
        var (status, there) = await api.KubernetesAsync("viewer1", HttpMethod.Get, $"{Root}/{other}");
        Assert.Equal(403, status);
        var (_, gone) = await api.KubernetesAsync("viewer1", HttpMethod.Get, $"{Root}/gone");
        Assert.Equal(gone, there.Replace(other, "gone", StringComparison.Ordinal));
        const string Spec = """ "spec":{"virtualNetworkReference":{"namespace":"ns1","name":"absent"}}""";
        foreach (var (ns, expected) in new[] { ("ns1", false), ("ns2", true) })
        {
            var (created, text) = await api.KubernetesAsync("editor1", HttpMethod.Post, $"{Root}?dryRun=All", $$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"FloatingIP","metadata":{"name":"{{ns}}.vip"},{{Spec}}}""");
            Assert.True(created == 403 == expected, text);
        }
    }

    [Theory]
    [InlineData("viewer1", """{"verb":"create","resource":"services","namespace":"ns1"}""", false)]
    [InlineData("editor1", """{"verb":"create","resource":"services","namespace":"ns1"}""", true)]
    [InlineData("editor1", """{"verb":"create","resource":"services","namespace":"ns2"}""", false)]
    [InlineData("editor1", """{"verb":"create","resource":"services"}""", false)]
    [InlineData("editor1", """{"verb":"patch","resource":"pods","subresource":"status","namespace":"ns1"}""", true)]
    [InlineData("editor1", """{"verb":"create","resource":"nodes"}""", false)]
    [InlineData("editor1", """{"verb":"*","resource":"*","group":"*"}""", false)]
    [InlineData("editor1", """{"verb":"delete","resource":"namespaces","name":"ns1"}""", false)]
    [InlineData("viewer1", """{"verb":"get","resource":"namespaces","name":"ns1"}""", true)]
    [InlineData("viewer1", """{"verb":"get","resource":"namespaces","name":"ns2"}""", false)]
    [InlineData("editor1", """{"verb":"update","resource":"floatingips","group":"core.contrail.juniper.net","name":"ns1.web"}""", true)]
    [InlineData("editor1", """{"verb":"update","resource":"floatingips","group":"core.contrail.juniper.net","name":"ns2.web"}""", false)]
    [InlineData("operator", """{"verb":"create","resource":"bgprouters","group":"core.contrail.juniper.net","namespace":"contrail"}""", true)]
    [InlineData("admin", """{"verb":"*","resource":"*","group":"*"}""", true)]
    public async Task An_access_review_tells_what_the_request_would_be_told(string user, string attributes, bool isAllowed)
    {
        var (status, text) = await api.KubernetesAsync(user, HttpMethod.Post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            $$$"""{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{{{attributes}}}}}""");
        Assert.Equal(201, status);
        Assert.Equal(isAllowed, (bool?)JsonNode.Parse(text)!["status"]!["allowed"]);
    }

    [Fact]
    public async Task A_rules_review_lists_what_the_caller_may_in_the_namespace()
    {
        Assert.Equal((true, true), await RulesAsync("editor1", "ns1"));
        Assert.Equal((true, false), await RulesAsync("viewer1", "ns1"));
        Assert.Equal((false, false), await RulesAsync("editor1", "ns2"));
    }

    private async Task<(bool MayGet, bool MayCreate)> RulesAsync(string user, string ns)
    {
        var (_, text) = await api.KubernetesAsync(user, HttpMethod.Post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            $$$"""{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"{{{ns}}}"}}""");
        var services = JsonNode.Parse(text)!["status"]!["resourceRules"]!.AsArray().SingleOrDefault(r => (string?)r!["resources"]![0] == "services");
        var verbs = services?["verbs"]!.AsArray().Select(v => (string)v!).ToList() ?? [];
        return (verbs.Contains("get"), verbs.Contains("create"));
    }

    /// <summary>One of the collection in ns1 and one in ns2.</summary>
    private async Task FillAsync(string collection)
    {
        foreach (var (ns, name, octet) in new[] { ("ns1", "of-one", 1), ("ns2", "of-two", 2) })
        {
            var body = collection switch
            {
                "services" => ClusterIP,
                "external-networks" => $$"""{"subnets":[{"cidr":"62.0.{{octet}}.0/24"}]}""",
                "virtual-machine-interfaces" => $$"""{"addresses":["10.77.0.{{octet}}"],"virtualRouter":"compute1"}""",
                "service-health-checks" => """{"monitorType":"PING"}""",
                _ => null,
            };
            if (body is not null) Assert.InRange((await api.PutAsync($"/v1/namespaces/{ns}/{collection}/{name}", body)).Status, 200, 201);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static List<string> Names(Reply reply) => [.. reply.Json!["items"]!.AsArray().Select(i => (string)i!["name"]!)];

    private static List<string> Tried(Reply reply) => [.. reply.Json!["items"]!.AsArray().Where(i => (string?)i!["reason"] == "Tried").Select(i => (string)i!["regarding"]!)];
}
