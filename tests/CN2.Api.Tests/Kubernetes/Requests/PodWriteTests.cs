using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Requests;

/// <summary>What may be written of a Pod, and who else may have its name.</summary>
public sealed class PodWriteTests(WritesServer api) : IClassFixture<WritesServer>
{
    private static string Path(string ns) => $"/api/v1/namespaces/{ns}/pods";

    private static string Pod(string name, string spec = "\"containers\":[{\"name\":\"c\",\"image\":\"nginx\"}]") => $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{{{{{spec}}}}}}""";

    [Fact]
    public async Task Most_of_a_pod_is_fixed()
    {
        await api.NamespaceAsync("fixed");
        (await api.CreateAsync(Path("fixed"), Pod("p"))).Expect(201);
        foreach (var patch in (string[])
        [
            """{"spec":{"nodeName":"n1"}}""", """{"spec":{"restartPolicy":"Never"}}""", """{"spec":{"containers":[{"name":"c","command":["x"]}]}}""",
            """{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"b"}]}]}}""", """{"spec":{"containers":[{"name":"d","image":"nginx"}]}}""",
        ])
        {
            var refused = (await api.ChangeAsync($"{Path("fixed")}/p", patch, WritesServer.Strategic)).Expect(422, "Invalid");
            Assert.StartsWith("Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`", refused.Message, StringComparison.Ordinal);
            Assert.Equal("FieldValueForbidden", (string?)refused.Json!["details"]!["causes"]![0]!["reason"]);
        }

        (await api.ChangeAsync($"{Path("fixed")}/p", """{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"nginx:2"}],"activeDeadlineSeconds":9}}""", WritesServer.Strategic)).Expect(200);
        (await api.ChangeAsync($"{Path("fixed")}/p", """{"spec":{"tolerations":[{"key":"k","operator":"Exists"}]}}""", WritesServer.Merge)).Expect(200);
        (await api.ChangeAsync($"{Path("fixed")}/p", """{"spec":{"tolerations":null}}""", WritesServer.Merge)).Expect(422, "Invalid");
        (await api.CreateAsync($"{Path("fixed")}/p/binding", """{"metadata":{"name":"q"},"target":{"name":"n1"}}""")).Expect(400);
        (await api.CreateAsync($"{Path("fixed")}/p/binding", """{"metadata":{"name":"p"},"target":{"name":"n1"}}""")).Expect(201);
        (await api.ChangeAsync($"{Path("fixed")}/p/status", """{"status":{"podIP":"10.233.64.10"}}""", WritesServer.Strategic)).Expect(200);
        (await api.ChangeAsync($"{Path("fixed")}/p", """{"spec":{"nodeName":"n2"}}""", WritesServer.Strategic)).Expect(422, "Invalid");
        var read = (await api.ReadAsync($"{Path("fixed")}/p")).Expect(200);
        Assert.Equal(read.Version, (await api.UpdateAsync($"{Path("fixed")}/p", read.Json!)).Expect(200).Version);
        Assert.Equal("n1", (string?)(await api.GetAsync("/v1/namespaces/fixed/virtual-machine-interfaces/p")).Expect(200).Json!["virtualRouter"]);
    }

    [Fact]
    public async Task Every_fault_of_a_new_pod_is_named_at_once()
    {
        await api.NamespaceAsync("faulty");
        var spec = "\"restartPolicy\":\"Foo\",\"containers\":[{\"name\":\"X_x\",\"ports\":[{\"containerPort\":80000},{\"containerPort\":80,\"protocol\":\"X\"}]},{\"name\":\"a\"},{\"name\":\"a\"}],\"initContainers\":[{\"name\":\"i\"},{}]";
        var refused = (await api.CreateAsync(Path("faulty"), Pod("A_b", spec).Replace("\"name\":\"A_b\"", "\"name\":\"A_b\",\"labels\":{\"a\":\"-\"}", StringComparison.Ordinal))).Expect(422, "Invalid");
        foreach (var (field, reason) in (IEnumerable<(string, string)>)
        [
            ("spec.restartPolicy", "FieldValueNotSupported"), ("spec.containers[0].ports[1].protocol", "FieldValueNotSupported"), ("spec.initContainers[1].name", "FieldValueRequired"),
            ("spec.containers[0].name", "FieldValueInvalid"), ("spec.containers[0].ports[0].containerPort", "FieldValueInvalid"), ("spec.containers[2].name", "FieldValueDuplicate"),
            ("metadata.name", "FieldValueInvalid"), ("metadata.labels[a]", "FieldValueInvalid"),
        ])
        {
            Assert.Contains(refused.Json!["details"]!["causes"]!.AsArray(), c => (string?)c!["field"] == field && (string?)c["reason"] == reason);
        }

        Assert.Equal(["spec.containers"], (await api.CreateAsync(Path("faulty"), Pod("p", "\"containers\":[]"))).Expect(422, "Invalid").Fields);
        Assert.Equal(["spec.containers"], (await api.CreateAsync(Path("faulty"), """{"metadata":{"name":"p"}}""")).Expect(422, "Invalid").Fields);
        Assert.Empty((await api.ReadAsync(Path("faulty"))).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task The_name_of_a_pod_is_no_other_interfaces()
    {
        await api.NamespaceAsync("named");
        (await api.CreateAsync(Path("named"), Pod("p"))).Expect(201);
        var other = """{"name":"p","virtualRouter":"x","addresses":["10.9.9.9"]}""";
        Assert.Equal("already-exists", (string?)(await api.PostAsync("/v1/namespaces/named/virtual-machine-interfaces", other)).Expect(409).Json!["code"]);
        Assert.Contains("Pod named/p", (string?)(await api.PutAsync("/v1/namespaces/named/virtual-machine-interfaces/p", other)).Expect(409).Json!["detail"], StringComparison.Ordinal);
        (await api.PostAsync("/v1/namespaces/named/virtual-machine-interfaces:batch", $$"""{"items":[{"name":"q","virtualRouter":"x","addresses":["10.9.9.8"]},{{other}}]}""")).Expect(409);
        (await api.GetAsync("/v1/namespaces/named/virtual-machine-interfaces/q")).Expect(404);
        (await api.CreateAsync("/apis/core.contrail.juniper.net/v1alpha1/namespaces/named/virtualmachineinterfaces",
            """{"metadata":{"name":"p"},"spec":{"instanceIPAddresses":["10.9.9.9"],"virtualRouterReference":{"name":"x"}}}""")).Expect(409, "AlreadyExists");
        (await api.CreateAsync($"{Path("named")}/p/binding", """{"metadata":{"name":"p"},"target":{"name":"n1"}}""")).Expect(201);
        (await api.ChangeAsync($"{Path("named")}/p/status", """{"status":{"podIP":"10.233.64.20"}}""", WritesServer.Strategic)).Expect(200);
        (await api.PutAsync("/v1/namespaces/named/virtual-machine-interfaces/p", """{"virtualRouter":"n1","addresses":["10.233.64.21"]}""")).Expect(200);
    }

    [Fact]
    public async Task The_weight_of_a_pod_is_an_annotation_and_that_of_an_interface_a_member_of_its_spec()
    {
        await api.NamespaceAsync("weights");
        (await api.CreateAsync(Path("weights"), Pod("p", "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\"}]"))).Expect(201);
        (await api.ChangeAsync($"{Path("weights")}/p/status", """{"status":{"podIP":"10.233.64.130"}}""", WritesServer.Strategic)).Expect(200);
        (await AnnotateAsync("7")).Expect(200);
        var endpoint = (await api.GetAsync(V1("p"))).Expect(200).Json!;
        Assert.Equal((7, 0), ((int)endpoint["weight"]!, endpoint["annotations"]?.AsObject().Count ?? 0));
        (await api.PatchAsync(V1("p"), """{"weight":9}""")).Expect(200);
        Assert.Equal("9", (string?)(await api.ReadAsync($"{Path("weights")}/p")).Expect(200).Json!["metadata"]!["annotations"]!["core.juniper.net/weight"]);
        foreach (var wrong in (string[])["0", "101", "x"])
            Assert.Equal(["metadata.annotations[core.juniper.net/weight]"], (await AnnotateAsync(wrong)).Expect(422, "Invalid").Fields);

        const string Interfaces = "/apis/core.contrail.juniper.net/v1alpha1/namespaces/weights/virtualmachineinterfaces";
        (await api.CreateAsync(Interfaces, """{"metadata":{"name":"v"},"spec":{"instanceIPAddresses":["10.9.9.7"],"virtualRouterReference":{"name":"x"},"weight":5}}""")).Expect(201);
        Assert.Equal(5, (int)(await api.GetAsync(V1("v"))).Expect(200).Json!["weight"]!);
        foreach (var wrong in (string[])["0", "101"])
            Assert.Equal(["spec.weight"], (await api.ChangeAsync($"{Interfaces}/v", $$$"""{"spec":{"weight":{{{wrong}}}}}""", WritesServer.Merge)).Expect(422, "Invalid").Fields);
        (await api.ChangeAsync($"{Interfaces}/v", """{"spec":{"weight":null}}""", WritesServer.Merge)).Expect(200);
        Assert.Equal(1, (int)(await api.GetAsync(V1("v"))).Expect(200).Json!["weight"]!);

        static string V1(string name) => $"/v1/namespaces/weights/virtual-machine-interfaces/{name}";

        Task<KubernetesReply> AnnotateAsync(string weight) =>
            api.ChangeAsync($"{Path("weights")}/p", $$$$"""{"metadata":{"annotations":{"core.juniper.net/weight":"{{{{weight}}}}"}}}""", WritesServer.Merge);
    }

    [Fact]
    public async Task A_pod_and_an_interface_that_come_at_once_never_get_one_name()
    {
        await api.NamespaceAsync("at-once");
        for (var round = 0; round < 25; round++)
        {
            var name = $"p{round}";
            var pod = api.CreateAsync(Path("at-once"), Pod(name, round % 2 == 0 ? "\"containers\":[{\"name\":\"c\"}]" : "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\"}]"));
            var other = api.PutAsync($"/v1/namespaces/at-once/virtual-machine-interfaces/{name}", $$"""{"virtualRouter":"x","addresses":["10.8.0.{{round + 1}}"]}""");
            var answers = new[] { (await pod).Status, (await other).Status };
            Assert.Equal([201, 409], answers.Order());
        }
    }

    /// <summary>As it may be in a database of before.</summary>
    [Fact]
    public async Task The_status_of_a_pod_says_who_else_has_its_name_and_is_taken_when_that_is_gone()
    {
        await api.NamespaceAsync("before");
        (await api.CreateAsync(Path("before"), Pod("p", "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\"}]"))).Expect(201);
        await ExecuteAsync("ALTER TABLE virtual_machine_interface DISABLE TRIGGER refuse_interface_of_pod");
        (await api.PutAsync("/v1/namespaces/before/virtual-machine-interfaces/p", """{"virtualRouter":"x","addresses":["10.7.0.1"]}""")).Expect(201);
        await ExecuteAsync("ALTER TABLE virtual_machine_interface ENABLE TRIGGER refuse_interface_of_pod");
        const string Status = """{"status":{"podIP":"10.233.64.30"}}""";
        Assert.Contains("VirtualMachineInterface before/p", (await api.ChangeAsync($"{Path("before")}/p/status", Status, WritesServer.Strategic)).Expect(409, "Conflict").Message, StringComparison.Ordinal);
        (await api.DeleteAsync("/v1/namespaces/before/virtual-machine-interfaces/p")).Expect(204);
        (await api.ChangeAsync($"{Path("before")}/p/status", Status, WritesServer.Strategic)).Expect(200);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
