using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Kubernetes.Requests;

public sealed class WriteTests(WritesServer api) : IClassFixture<WritesServer>
{
    private static string Service(string name, string more = "", string meta = "") =>
        $$$$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{{name}}}}"{{{{meta}}}}},"spec":{"type":"ClusterIP","selector":{"app":"web"},"ports":[{"name":"http","port":80,"targetPort":8080}]{{{{more}}}}}}""";

    private static string Pod(string name) => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"containers":[{"name":"c","image":"nginx"}]}}""";

    [Fact]
    public async Task Each_door_has_its_own_paths_and_errors()
    {
        (await api.GetAsync("/api/v1/namespaces")).Expect(404);
        var hidden = (await api.ReadAsync("/v1/namespaces")).Expect(404, "NotFound");
        Assert.Equal("Status", (string?)hidden.Json!["kind"]);
        (await api.ReadAsync("/metrics")).Expect(404, "NotFound");
        (await api.AskAsync(HttpMethod.Put, "/api/v1/namespaces", "{}")).Expect(405, "MethodNotAllowed");
        var missing = (await api.ReadAsync("/api/v1/namespaces/default/services/nothing")).Expect(404, "NotFound");
        Assert.Equal("services \"nothing\" not found", missing.Message);
    }

    [Fact]
    public async Task A_service_made_by_one_door_is_changed_by_the_other_and_deleted_by_the_first()
    {
        await api.NamespaceAsync("doors", "41.0.0.0/24");
        var created = (await api.CreateAsync("/api/v1/namespaces/doors/services",
            Service("web", ",\"loadBalancerClass\":\"x\"", ",\"labels\":{\"a\":\"b\"},\"annotations\":{\"service.contrail.juniper.net/externalNetwork\":\"doors/net\"}").Replace("ClusterIP", "LoadBalancer", StringComparison.Ordinal))).Expect(201);
        var v1 = (await api.GetAsync("/v1/namespaces/doors/services/web")).Expect(200);
        Assert.Equal((string?)v1.Json!["uid"], (string?)created.Json!["metadata"]!["uid"]);
        Assert.Equal("doors/net", (string?)v1.Json["externalNetwork"]);
        Assert.Equal((string?)v1.Json["status"]!["externalIPs"]![0], (string?)created.Json["status"]!["loadBalancer"]!["ingress"]![0]!["ip"]);

        (await api.PatchAsync("/v1/namespaces/doors/services/web", """{"labels":{"a":"c"},"ports":[{"name":"http","port":81,"targetPort":8080}]}""")).Expect(200);
        var read = (await api.ReadAsync("/api/v1/namespaces/doors/services/web")).Expect(200);
        Assert.Equal("c", (string?)read.Json!["metadata"]!["labels"]!["a"]);
        Assert.Equal(81, (int)read.Json["spec"]!["ports"]![0]!["port"]!);
        Assert.Equal("x", (string?)read.Json["spec"]!["loadBalancerClass"]); // no meaning here, and kept
        Assert.NotEqual(created.Version, read.Version);

        (await api.RemoveAsync("/api/v1/namespaces/doors/services/web")).Expect(200);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces/doors/services/web")).Status == 404);
    }

    [Fact]
    public async Task Every_fault_of_an_object_is_named_at_once()
    {
        await api.NamespaceAsync("faults");
        var wrong = """{"metadata":{"name":"UPPER"},"spec":{"type":"Foo","ports":[{"port":0},{"name":"b","port":70000,"protocol":"XYZ"}],"loadBalancerSourceRanges":["x"]}}""";
        var reply = (await api.CreateAsync("/api/v1/namespaces/faults/services", wrong)).Expect(422, "Invalid");
        foreach (var field in (string[])["metadata.name", "spec.type", "spec.ports[1].protocol", "spec.ports[0].name", "spec.ports[0].port", "spec.ports[1].port", "spec.loadBalancerSourceRanges[0]"]) Assert.Contains(field, reply.Fields);

        var types = (await api.CreateAsync("/api/v1/namespaces/faults/services", """{"metadata":{"name":"t"},"spec":{"type":5,"ports":"x"}}""")).Expect(400, "BadRequest");
        Assert.Equal(["spec.type", "spec.ports"], types.Fields);
        (await api.CreateAsync("/api/v1/namespaces/nowhere/services", Service("t"))).Expect(404, "NotFound");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", "{")).Expect(400, "BadRequest");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", "[]")).Expect(400, "BadRequest");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", Service("t"), "text/plain")).Expect(415, "UnsupportedMediaType");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", (byte[])[1, 2, 3], "application/vnd.kubernetes.protobuf")).Expect(400, "BadRequest");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", new string(' ', 3 * 1024 * 1024))).Expect(413, "RequestEntityTooLarge");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", """{"metadata":{"name":"t"},"kind":"Pod","spec":{"ports":[{"port":1}]}}""")).Expect(400, "BadRequest");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", """{"metadata":{"name":"t","namespace":"other"},"spec":{"ports":[{"port":1}]}}""")).Expect(400, "BadRequest");
        (await api.CreateAsync("/api/v1/namespaces/faults/services?dryRun=some", Service("t"))).Expect(422, "Invalid");
        (await api.CreateAsync("/api/v1/namespaces/faults/services", """{"metadata":{},"spec":{"ports":[{"port":1}]}}""")).Expect(422, "Invalid");
        Assert.Empty((await api.ReadAsync("/api/v1/namespaces/faults/services")).Expect(200).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task Unknown_fields_are_refused_warned_of_or_dropped()
    {
        await api.NamespaceAsync("unknown");
        const string Path = "/api/v1/namespaces/unknown/services";
        var body = Service("s", ",\"typo\":1,\"another\":2");
        var strict = (await api.CreateAsync($"{Path}?fieldValidation=Strict", body)).Expect(400, "BadRequest");
        Assert.Contains("strict decoding error: unknown field \"spec.typo\", unknown field \"spec.another\"", strict.Message);
        Assert.Empty((await api.CreateAsync($"{Path}?fieldValidation=Ignore&dryRun=All", body)).Expect(201).Warnings);
        var warned = (await api.CreateAsync(Path, body)).Expect(201);
        Assert.Equal(2, warned.Warnings.Count);
        Assert.Null(warned.Json!["spec"]!["typo"]);
        (await api.CreateAsync($"{Path}?fieldValidation=Sometimes", body)).Expect(422, "Invalid");
    }

    [Fact]
    public async Task A_dry_run_answers_as_the_write_would_and_writes_nothing()
    {
        await api.NamespaceAsync("dry");
        (await api.CreateAsync("/api/v1/namespaces/dry/services?dryRun=All", Service("s"))).Expect(201);
        (await api.ReadAsync("/api/v1/namespaces/dry/services/s")).Expect(404);
        var created = (await api.CreateAsync("/api/v1/namespaces/dry/services", Service("s"))).Expect(201);
        (await api.CreateAsync("/api/v1/namespaces/dry/services?dryRun=All", Service("s"))).Expect(409, "AlreadyExists");
        (await api.ChangeAsync("/api/v1/namespaces/dry/services/s?dryRun=All", """{"metadata":{"labels":{"x":"y"}}}""", WritesServer.Merge)).Expect(200);
        (await api.RemoveAsync("/api/v1/namespaces/dry/services/s?dryRun=All")).Expect(200);
        Assert.Equal(created.Version, (await api.ReadAsync("/api/v1/namespaces/dry/services/s")).Expect(200).Version);
    }

    [Fact]
    public async Task A_name_is_generated()
    {
        await api.NamespaceAsync("generated");
        var body = Service("", meta: ",\"generateName\":\"web-\"").Replace("\"name\":\"\",", "", StringComparison.Ordinal);
        var names = new HashSet<string>();
        for (var i = 0; i < 3; i++) names.Add((string)(await api.CreateAsync("/api/v1/namespaces/generated/services", body)).Expect(201).Json!["metadata"]!["name"]!);
        Assert.Equal(3, names.Count);
        Assert.All(names, n => Assert.Matches("^web-[a-z0-9]{5}$", n));
    }

    [Fact]
    public async Task An_update_of_an_old_version_is_refused()
    {
        await api.NamespaceAsync("versions");
        const string Path = "/api/v1/namespaces/versions/services/s";
        var first = (await api.CreateAsync("/api/v1/namespaces/versions/services", Service("s"))).Expect(201);
        var edited = first.Json!.DeepClone();
        edited["metadata"]!["labels"] = new JsonObject { ["x"] = "1" };
        var second = (await api.UpdateAsync(Path, edited)).Expect(200);
        edited["metadata"]!["labels"]!["x"] = "2";
        (await api.UpdateAsync(Path, edited)).Expect(409, "Conflict");
        edited["metadata"]!["resourceVersion"] = second.Version;
        var third = (await api.UpdateAsync(Path, edited)).Expect(200);
        edited["metadata"]!["resourceVersion"] = "x";
        (await api.UpdateAsync(Path, edited)).Expect(400, "BadRequest");
        edited["metadata"]!["resourceVersion"] = "7";
        (await api.UpdateAsync(Path, edited)).Expect(409, "Conflict");
        edited = third.Json!.DeepClone();
        edited["metadata"]!["resourceVersion"] = "0"; // whatever the version is
        Assert.Equal(third.Version, (await api.UpdateAsync(Path, edited)).Expect(200).Version); // nothing changed, nothing is written
        edited["metadata"]!["uid"] = Guid.NewGuid().ToString();
        (await api.UpdateAsync(Path, edited)).Expect(409, "Conflict");
        (await api.UpdateAsync("/api/v1/namespaces/versions/services/none", Service("none"))).Expect(404, "NotFound");
        (await api.UpdateAsync(Path, Service("other"))).Expect(400, "BadRequest");
        (await api.RemoveAsync(Path, $$$$"""{"preconditions":{"uid":"{{{{Guid.NewGuid()}}}}"}}""")).Expect(409, "Conflict");
        (await api.RemoveAsync(Path, $$$$"""{"preconditions":{"resourceVersion":"{{{{first.Version}}}}"}}""")).Expect(409, "Conflict");
        (await api.RemoveAsync(Path, $$$$"""{"preconditions":{"resourceVersion":"{{{{third.Version}}}}"},"propagationPolicy":"Foreground"}""")).Expect(200);
    }

    [Fact]
    public async Task A_cluster_IP_cannot_be_changed()
    {
        await api.NamespaceAsync("fixed");
        var created = (await api.CreateAsync("/api/v1/namespaces/fixed/services", Service("s"))).Expect(201).Json!;
        created["spec"]!["clusterIP"] = "10.96.9.9";
        created["spec"]!["clusterIPs"] = new JsonArray("10.96.9.9");
        Assert.Equal(["spec.clusterIP", "spec.clusterIPs"], (await api.UpdateAsync("/api/v1/namespaces/fixed/services/s", created)).Expect(422, "Invalid").Fields);
    }

    [Fact]
    public async Task All_kinds_of_patches_change_a_service()
    {
        await api.NamespaceAsync("patches");
        const string Path = "/api/v1/namespaces/patches/services/s";
        (await api.CreateAsync("/api/v1/namespaces/patches/services", Service("s"))).Expect(201);
        (await api.ChangeAsync(Path, """{"metadata":{"labels":{"x":"y"}}}""", WritesServer.Merge)).Expect(200);
        (await api.ChangeAsync(Path, """{"spec":{"ports":[{"name":"tls","port":443}]}}""", WritesServer.Strategic)).Expect(200);
        var read = (await api.ChangeAsync(Path, """[{"op":"test","path":"/spec/ports/1/port","value":443},{"op":"add","path":"/metadata/labels/z","value":"1"}]""", WritesServer.JsonPatch)).Expect(200);
        Assert.Equal([80, 443], read.Json!["spec"]!["ports"]!.AsArray().Select(p => (int)p!["port"]!));
        Assert.Equal("""{"x":"y","z":"1"}""", read.Json["metadata"]!["labels"]!.ToJsonString());
        Assert.Equal(2, (await api.GetAsync("/v1/namespaces/patches/services/s")).Json!["ports"]!.AsArray().Count);

        (await api.ChangeAsync(Path, """[{"op":"test","path":"/spec/ports/0/port","value":1}]""", WritesServer.JsonPatch)).Expect(422, "Invalid");
        (await api.ChangeAsync(Path, """{"op":"add"}""", WritesServer.JsonPatch)).Expect(400, "BadRequest");
        (await api.ChangeAsync(Path, "[", WritesServer.JsonPatch)).Expect(400, "BadRequest");
        (await api.ChangeAsync(Path, "{}", WritesServer.Json)).Expect(415, "UnsupportedMediaType");
        (await api.ChangeAsync(Path, """{"metadata":{"resourceVersion":"12"}}""", WritesServer.Merge)).Expect(409, "Conflict");
        (await api.ChangeAsync($"{Path}?fieldValidation=Strict", """{"spec":{"typo":1}}""", WritesServer.Merge)).Expect(422, "Invalid");
        (await api.ChangeAsync(Path, """{"spec":{"ports":[{"port":99999}]}}""", WritesServer.Merge)).Expect(422, "Invalid");
        (await api.ChangeAsync("/apis/core.contrail.juniper.net/v1alpha1/floatingips/x", "{}", WritesServer.Strategic)).Expect(415, "UnsupportedMediaType");
        var same = (await api.ChangeAsync(Path, """{"metadata":{"labels":{"x":"y"}}}""", WritesServer.Merge)).Expect(200);
        Assert.Equal(read.Version, same.Version);
    }

    /// <summary>What a client takes out is gone, in both doors, by every kind of write; also what has a meaning in <c>/v1</c>.</summary>
    [Theory]
    [InlineData("put", 1)]
    [InlineData(WritesServer.Merge, 2)]
    [InlineData(WritesServer.Strategic, 3)]
    [InlineData(WritesServer.JsonPatch, 4)]
    [InlineData(WritesServer.Apply, 5)]
    public async Task What_is_taken_out_of_a_service_is_gone(string kind, int number)
    {
        var ns = $"out{number}";
        await api.NamespaceAsync(ns, $"43.{number}.0.0/24");
        var path = $"/api/v1/namespaces/{ns}/services/s";
        var whole = JsonNode.Parse(Service("s", ",\"loadBalancerSourceRanges\":[\"10.0.0.0/8\"],\"externalTrafficPolicy\":\"Cluster\",\"sessionAffinity\":\"ClientIP\"",
            $",\"labels\":{{\"a\":\"b\"}},\"annotations\":{{\"service.contrail.juniper.net/externalNetwork\":\"{ns}/net\",\"service.contrail.juniper.net/externalNetworkSelector\":null}}").Replace("ClusterIP\"", "LoadBalancer\"", StringComparison.Ordinal))!;
        whole["spec"]!["type"] = "LoadBalancer";
        ((JsonObject)whole["metadata"]!["annotations"]!).Remove("service.contrail.juniper.net/externalNetworkSelector");
        (await api.ChangeAsync($"{path}?fieldManager=a", whole, WritesServer.Apply)).Expect(201);
        var v1 = (await api.GetAsync($"/v1/namespaces/{ns}/services/s")).Expect(200).Json!;
        Assert.Equal(("web", "10.0.0.0/8"), ((string?)v1["selector"]!["app"], (string?)v1["loadBalancerSourceRanges"]![0]));
        (string Parent, string Member)[] taken = [("spec", "selector"), ("spec", "loadBalancerSourceRanges"), ("spec", "externalTrafficPolicy"), ("spec", "sessionAffinity"), ("metadata", "labels"), ("metadata", "annotations")];
        switch (kind)
        {
            case "put":
                var put = (await api.ReadAsync(path)).Expect(200).Json!;
                foreach (var (parent, member) in taken) ((JsonObject)put[parent]!).Remove(member);
                (await api.UpdateAsync(path, put)).Expect(200);
                break;
            case WritesServer.Apply:
                var rest = whole.DeepClone();
                foreach (var (parent, member) in taken) ((JsonObject)rest[parent]!).Remove(member);
                (await api.ChangeAsync($"{path}?fieldManager=a", rest, kind)).Expect(200);
                break;
            case WritesServer.JsonPatch:
                (await api.ChangeAsync(path, new JsonArray([.. taken.Select(t => new JsonObject { ["op"] = "remove", ["path"] = $"/{t.Parent}/{t.Member}" })]), kind)).Expect(200);
                break;
            default:
                var patch = new JsonObject { ["spec"] = new JsonObject(), ["metadata"] = new JsonObject() };
                foreach (var (parent, member) in taken) patch[parent]![member] = null;
                (await api.ChangeAsync(path, patch, kind)).Expect(200);
                break;
        }

        var left = (await api.ReadAsync(path)).Expect(200).Json!;
        foreach (var (parent, member) in taken.Where(t => t.Member is not ("externalTrafficPolicy" or "sessionAffinity"))) Assert.Null(left[parent]![member]);
        Assert.Equal(("Local", "None"), ((string?)left["spec"]!["externalTrafficPolicy"], (string?)left["spec"]!["sessionAffinity"])); // the defaults
        v1 = (await api.GetAsync($"/v1/namespaces/{ns}/services/s")).Expect(200).Json!;
        Assert.Empty((v1["selector"] as JsonObject) ?? []);
        Assert.Empty((v1["loadBalancerSourceRanges"] as JsonArray) ?? []);
        Assert.Null(v1["externalNetwork"]);
    }

    [Fact]
    public async Task An_apply_that_names_a_version_or_a_uid_is_refused_when_it_is_another()
    {
        await api.NamespaceAsync("named");
        const string Path = "/api/v1/namespaces/named/services/s?fieldManager=a";
        var meta = ",\"uid\":\"0190a000-0000-7000-8000-000000000000\"";
        (await api.ChangeAsync(Path, Service("s", meta: meta), WritesServer.Apply)).Expect(409, "Conflict");
        var first = (await api.ChangeAsync(Path, Service("s"), WritesServer.Apply)).Expect(201).Version;
        var second = (await api.ChangeAsync(Path, Service("s", meta: $",\"labels\":{{\"x\":\"1\"}},\"resourceVersion\":\"{first}\""), WritesServer.Apply)).Expect(200).Version;
        Assert.NotEqual(first, second);
        (await api.ChangeAsync(Path, Service("s", meta: $",\"labels\":{{\"x\":\"2\"}},\"resourceVersion\":\"{first}\""), WritesServer.Apply)).Expect(409, "Conflict");
        (await api.ChangeAsync(Path, Service("s", meta: $",\"labels\":{{\"x\":\"2\"}}{meta}"), WritesServer.Apply)).Expect(409, "Conflict");
        Assert.Equal(second, (await api.ReadAsync("/api/v1/namespaces/named/services/s")).Version);
    }

    [Fact]
    public async Task A_second_address_that_was_asked_for_by_the_other_door_stays()
    {
        await api.NamespaceAsync("both");
        (await api.PutAsync("/v1/namespaces/both/external-networks/net", """{"subnets":[{"cidr":"44.0.0.0/24"},{"cidr":"fd44::/120"}]}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/both/services/s", """{"type":"LoadBalancer","externalNetwork":"net","ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack","loadBalancerIPs":["44.0.0.7","fd44::7"],"ports":[{"port":80}]}""")).Expect(201);
        (await api.ChangeAsync("/api/v1/namespaces/both/services/s", """{"spec":{"selector":{"app":"web"}}}""", WritesServer.Merge)).Expect(200);
        Assert.Equal(2, (await api.GetAsync("/v1/namespaces/both/services/s")).Json!["loadBalancerIPs"]!.AsArray().Count);
    }

    [Fact]
    public async Task Finalizers_hold_an_object_against_the_other_door_too()
    {
        await api.NamespaceAsync("held");
        (await api.CreateAsync("/api/v1/namespaces/held/services", Service("s", meta: ",\"finalizers\":[\"example.org/a\"]"))).Expect(201);
        Assert.Contains("finalizer example.org/a", (string?)(await api.DeleteAsync("/v1/namespaces/held/services/s")).Expect(409).Json!["detail"], StringComparison.Ordinal);
        (await api.ReadAsync("/api/v1/namespaces/held/services/s")).Expect(200);
        (await api.ChangeAsync("/api/v1/namespaces/held/services/s", """{"metadata":{"finalizers":null}}""", WritesServer.Merge)).Expect(200);
        (await api.DeleteAsync("/v1/namespaces/held/services/s")).Expect(204);
    }

    [Fact]
    public async Task A_subnet_has_a_name_of_DNS_and_the_other_door_takes_over_none()
    {
        await api.NamespaceAsync("subnets");
        const string Path = "/apis/core.contrail.juniper.net/v1alpha1/namespaces/subnets/subnets";
        foreach (var name in (string[])["A_b", "-a", "a.", new string('a', 300)])
            Assert.Equal(["metadata.name"], (await api.CreateAsync(Path, $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"cidr":"45.0.0.0/24"}}""")).Expect(422, "Invalid").Fields);
        var created = (await api.CreateAsync(Path, """{"metadata":{"name":"foo-v4"},"spec":{"cidr":"45.0.0.0/24"}}""")).Expect(201);
        Assert.NotNull(created.Json!["metadata"]!["creationTimestamp"]);
        Assert.Contains("Subnet subnets/foo-v4", (string?)(await api.PutAsync("/v1/namespaces/subnets/external-networks/foo", """{"subnets":[{"cidr":"45.1.0.0/24"}]}""")).Expect(409).Json!["detail"], StringComparison.Ordinal);
        (await api.CreateAsync("/apis/core.contrail.juniper.net/v1alpha1/namespaces/subnets/virtualnetworks", """{"metadata":{"name":"foo"},"spec":{"v4SubnetReference":{"name":"foo-v4","namespace":"subnets"}}}""")).Expect(201);
        Assert.Equal("45.0.0.0/24", (string?)(await api.GetAsync("/v1/namespaces/subnets/external-networks/foo")).Expect(200).Json!["subnets"]![0]!["cidr"]);
        Assert.NotNull((await api.ReadAsync($"{Path}/foo-v4")).Expect(200).Json!["metadata"]!["creationTimestamp"]);
    }

    [Fact]
    public async Task A_PUT_names_its_object()
    {
        await api.NamespaceAsync("nameless");
        var created = (await api.CreateAsync("/api/v1/namespaces/nameless/services", Service("s"))).Expect(201).Json!;
        ((JsonObject)created["metadata"]!).Remove("name");
        (await api.UpdateAsync("/api/v1/namespaces/nameless/services/s", created)).Expect(400, "BadRequest");
    }

    [Fact]
    public async Task An_apply_creates_changes_and_finds_conflicts()
    {
        await api.NamespaceAsync("applied");
        const string Path = "/api/v1/namespaces/applied/services/s";
        const string Yaml = "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  labels:\n    x: one\nspec:\n  ports:\n  - port: 80\n";
        (await api.ChangeAsync(Path, Yaml, WritesServer.Apply)).Expect(422, "Invalid"); // who applies?
        var created = (await api.ChangeAsync($"{Path}?fieldManager=a", Yaml, WritesServer.Apply)).Expect(201);
        Assert.Equal("a", (string?)created.Json!["metadata"]!["managedFields"]![0]!["manager"]);
        Assert.Equal("Apply", (string?)created.Json["metadata"]!["managedFields"]![0]!["operation"]);
        Assert.Equal(created.Version, (await api.ChangeAsync($"{Path}?fieldManager=a", Yaml, WritesServer.Apply)).Expect(200).Version);

        var other = Yaml.Replace("one", "two", StringComparison.Ordinal);
        var conflict = (await api.ChangeAsync($"{Path}?fieldManager=b", other, WritesServer.Apply)).Expect(409, "Conflict");
        Assert.Equal([".metadata.labels.x"], conflict.Fields);
        var forced = (await api.ChangeAsync($"{Path}?fieldManager=b&force=true", other, WritesServer.Apply)).Expect(200);
        Assert.Equal("two", (string?)forced.Json!["metadata"]!["labels"]!["x"]);
        Assert.Equal("two", (string?)(await api.GetAsync("/v1/namespaces/applied/services/s")).Json!["labels"]!["x"]);
        (await api.ChangeAsync($"{Path}?fieldManager=b&force=true", "{}", WritesServer.Merge)).Expect(422, "Invalid");
    }

    [Fact]
    public async Task Finalizers_keep_an_object_until_the_last_is_removed()
    {
        await api.NamespaceAsync("kept");
        const string Path = "/api/v1/namespaces/kept/services/s";
        (await api.CreateAsync("/api/v1/namespaces/kept/services", Service("s", meta: ",\"finalizers\":[\"example.org/a\"]"))).Expect(201);
        Assert.NotNull((await api.RemoveAsync(Path)).Expect(200).Json!["metadata"]!["deletionTimestamp"]);
        Assert.NotNull((await api.ReadAsync(Path)).Expect(200).Json!["metadata"]!["deletionTimestamp"]);
        (await api.ChangeAsync(Path, """{"metadata":{"finalizers":["example.org/a","example.org/b"]}}""", WritesServer.Merge)).Expect(422, "Invalid");
        (await api.ChangeAsync(Path, """{"metadata":{"finalizers":null}}""", WritesServer.Merge)).Expect(200);
        await Eventually.TrueAsync(async () => (await api.ReadAsync(Path)).Status == 404);
        (await api.GetAsync("/v1/namespaces/kept/services/s")).Expect(404);
    }

    [Fact]
    public async Task A_namespace_takes_its_content_with_it()
    {
        await api.NamespaceAsync("full");
        for (var i = 0; i < 3; i++) (await api.CreateAsync("/api/v1/namespaces/full/services", Service($"s{i}"))).Expect(201);
        (await api.PutAsync("/v1/namespaces/full/external-networks/net", """{"subnets":[{"cidr":"41.7.0.0/24"}]}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/full/floating-ips/mine", """{"externalNetwork":"net"}""")).Expect(201);
        var marked = (await api.RemoveAsync("/api/v1/namespaces/full")).Expect(200);
        Assert.Equal("Terminating", (string?)marked.Json!["status"]!["phase"]);
        await Eventually.TrueAsync(async () => (await api.ReadAsync("/api/v1/namespaces/full")).Status == 404);
        (await api.GetAsync("/v1/namespaces/full")).Expect(404);
        (await api.RemoveAsync("/api/v1/namespaces/default")).Expect(403, "Forbidden");
    }

    [Fact]
    public async Task A_collection_is_deleted_by_labels()
    {
        await api.NamespaceAsync("many");
        for (var i = 0; i < 4; i++) (await api.CreateAsync("/api/v1/namespaces/many/services", Service($"s{i}", meta: $",\"labels\":{{\"odd\":\"{i % 2}\"}}"))).Expect(201);
        Assert.Equal(2, (await api.RemoveAsync("/api/v1/namespaces/many/services?labelSelector=odd%3D1")).Expect(200).Json!["items"]!.AsArray().Count);
        await Eventually.TrueAsync(async () => (await api.ReadAsync("/api/v1/namespaces/many/services")).Json!["items"]!.AsArray().Count == 2);
        (await api.RemoveAsync("/api/v1/namespaces/many/services?labelSelector=%3D%3D")).Expect(400, "BadRequest");
    }

    [Fact]
    public async Task A_collection_is_deleted_by_fields()
    {
        await api.NamespaceAsync("some");
        for (var i = 0; i < 3; i++) (await api.CreateAsync("/api/v1/namespaces/some/services", Service($"s{i}"))).Expect(201);
        Assert.Single((await api.RemoveAsync("/api/v1/namespaces/some/services?fieldSelector=metadata.name%3Ds1")).Expect(200).Json!["items"]!.AsArray());
        (await api.RemoveAsync("/api/v1/namespaces/some/services?fieldSelector=spec.nothing%3D1")).Expect(400, "BadRequest");
        await Eventually.TrueAsync(async () => (await api.ReadAsync("/api/v1/namespaces/some/services")).Json!["items"]!.AsArray().Count == 2);
    }

    [Fact]
    public async Task An_object_that_cannot_be_deleted_keeps_no_other_of_its_collection()
    {
        await api.NamespaceAsync("refused");
        var uids = new List<string>();
        for (var i = 0; i < 3; i++) uids.Add((string)(await api.CreateAsync("/api/v1/namespaces/refused/services", Service($"s{i}"))).Expect(201).Json!["metadata"]!["uid"]!);
        var refused = (await api.RemoveAsync("/api/v1/namespaces/refused/services", $$$"""{"preconditions":{"uid":"{{{uids[1]}}}"}}""")).Expect(409, "Conflict");
        Assert.StartsWith("Operation cannot be fulfilled on services \"s0\"", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("(1 deleted, 2 not)", refused.Message, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await api.ReadAsync("/api/v1/namespaces/refused/services/s1")).Status == 404);
        Assert.Equal(2, (await api.ReadAsync("/api/v1/namespaces/refused/services")).Json!["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Nothing_new_comes_into_a_namespace_that_is_being_deleted()
    {
        await api.NamespaceAsync("lasting", "41.8.0.0/24");
        await api.NamespaceAsync("ending", "41.9.0.0/24");
        (await api.CreateAsync("/api/v1/namespaces/ending/services", Service("s", meta: ",\"finalizers\":[\"example.org/a\"]"))).Expect(201);
        (await api.RemoveAsync("/api/v1/namespaces/ending")).Expect(200);
        var refused = (await api.CreateAsync("/api/v1/namespaces/ending/services", Service("t"))).Expect(403, "Forbidden");
        Assert.Equal("services \"t\" is forbidden: unable to create new content in namespace ending because it is being terminated", refused.Message);
        Assert.Equal("NamespaceTerminating", (string?)refused.Json!["details"]!["causes"]![0]!["reason"]);
        (await api.CreateAsync("/api/v1/namespaces/ending/pods", Pod("p"))).Expect(403, "Forbidden");
        foreach (var (collection, body) in (IEnumerable<(string, string)>)
        [
            ("services", """{"name":"t","ports":[{"port":80}]}"""), ("floating-ips", """{"name":"f","externalNetwork":"lasting/net"}"""),
            ("external-networks", """{"name":"n","subnets":[{"cidr":"41.9.1.0/24"}]}"""), ("service-health-checks", """{"name":"h","monitorType":"TCP","port":80}"""),
            ("virtual-machine-interfaces", """{"name":"v","virtualRouter":"x","addresses":["10.9.9.9"]}"""),
        ])
        {
            Assert.Equal("being-deleted", (string?)(await api.PostAsync($"/v1/namespaces/ending/{collection}", body)).Expect(409).Json!["code"]);
        }

        (await api.ChangeAsync("/api/v1/namespaces/ending/services/s", """{"metadata":{"finalizers":null}}""", WritesServer.Merge)).Expect(200);
        await Eventually.TrueAsync(async () => (await api.ReadAsync("/api/v1/namespaces/ending")).Status == 404);
    }

    [Fact]
    public async Task An_object_that_lives_alone_needs_its_namespace()
    {
        Assert.Equal("namespaces \"nowhere\" not found", (await api.CreateAsync("/api/v1/namespaces/nowhere/pods", Pod("p"))).Expect(404, "NotFound").Message);
        await api.NamespaceAsync("alone");
        (await api.CreateAsync("/api/v1/namespaces/alone/pods", Pod("p"))).Expect(201);
        Assert.Contains("pods alone/p", (string?)(await api.DeleteAsync("/v1/namespaces/alone")).Expect(409).Json!["detail"]);
        (await api.RemoveAsync("/api/v1/namespaces/alone/pods/p")).Expect(200);
        (await api.DeleteAsync("/v1/namespaces/alone")).Expect(204);
    }

    [Fact]
    public async Task A_floating_IP_is_reserved_read_and_given_back()
    {
        await api.NamespaceAsync("reserved", "42.0.0.0/24");
        const string Path = "/apis/core.contrail.juniper.net/v1alpha1/floatingips";
        var body = """{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"FloatingIP","metadata":{"name":"reserved.web"},"spec":{"floatingIPAddress":"42.0.0.9","virtualNetworkReference":{"namespace":"reserved","name":"net"},"floatingIPTrafficDirection":"both"}}""";
        var created = (await api.CreateAsync(Path, body)).Expect(201);
        Assert.Equal("both", (string?)created.Json!["spec"]!["floatingIPTrafficDirection"]);
        Assert.Equal("42.0.0.9", (string?)(await api.GetAsync("/v1/namespaces/reserved/floating-ips/web")).Expect(200).Json!["address"]);
        (await api.CreateAsync(Path, body)).Expect(409, "AlreadyExists");
        Assert.Equal(["metadata.name", "spec.virtualNetworkReference"], (await api.CreateAsync(Path, """{"metadata":{"name":"web"},"spec":{}}""")).Expect(422, "Invalid").Fields);
        (await api.ChangeAsync($"{Path}/reserved.web", """{"spec":{"floatingIPAddress":"42.0.0.10"}}""", WritesServer.Merge)).Expect(422, "Invalid");
        (await api.ChangeAsync($"{Path}/reserved.web", """{"metadata":{"labels":{"x":"y"}}}""", WritesServer.Merge)).Expect(200);
        Assert.Equal("y", (string?)(await api.GetAsync("/v1/namespaces/reserved/floating-ips/web")).Json!["labels"]!["x"]);
        (await api.RemoveAsync($"{Path}/reserved.web")).Expect(200);
        (await api.GetAsync("/v1/namespaces/reserved/floating-ips/web")).Expect(404);
    }
}
