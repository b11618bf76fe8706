using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Namespaces;

public sealed class NamespaceTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task The_namespace_default_exists_from_the_start_and_cannot_be_deleted()
    {
        (await api.GetAsync("/v1/namespaces/default")).Expect(200);
        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/default")).Expect(409).Code);
    }

    [Fact]
    public async Task Writes_into_a_namespace_during_its_deletion_get_a_correct_answer()
    {
        for (var i = 0; i < 20; i++)
        {
            var ns = $"/v1/namespaces/contested-{i}";
            (await api.PutAsync(ns, "{}")).Expect(201);
            var replies = await Task.WhenAll(
                api.DeleteAsync(ns),
                api.PutAsync($"{ns}/external-networks/n", $$"""{"subnets":[{"cidr":"37.0.{{i}}.0/24"}]}"""),
                api.PutAsync(ns, """{"labels":{"a":"b"}}"""),
                api.PostAsync($"{ns}/services", """{"name":"s","type":"ClusterIP","ports":[{"port":80}]}"""),
                api.PutAsync($"{ns}/virtual-machine-interfaces/v", """{"addresses":["10.0.0.1"],"virtualRouter":"contested"}"""));
            Assert.Contains(replies[0].Status, (int[])[204, 409]);
            Assert.Contains(replies[2].Status, (int[])[200, 201]);
            foreach (var written in new[] { replies[1], replies[3], replies[4] }) Assert.Contains(written.Status, (int[])[201, 404]);
            await api.DeleteAsync($"{ns}/virtual-machine-interfaces/v"); // its address is the next round's
        }
    }

    [Fact]
    public async Task A_namespace_is_created_read_changed_and_deleted()
    {
        var created = (await api.PostAsync("/v1/namespaces", new { name = "life", labels = new { ns = "life" } })).Expect(201);
        Assert.Equal("/v1/namespaces/life", created.Location);
        Assert.Equal("\"1\"", created.ETag);
        Assert.Equal(created.Text, (await api.GetAsync("/v1/namespaces/life")).Expect(200).Text);
        Assert.Equal("already-exists", (await api.PostAsync("/v1/namespaces", new { name = "life" })).Expect(409).Code);

        var same = (await api.PutAsync("/v1/namespaces/life", created.Text)).Expect(200);
        Assert.Equal(created.Text, same.Text);

        var patched = (await api.PatchAsync("/v1/namespaces/life", """{"labels":{"ns":null,"tier":"web"}}""")).Expect(200);
        Assert.Equal("\"2\"", patched.ETag);
        Assert.Equal("""{"tier":"web"}""", patched.Json!["labels"]!.ToJsonString());

        Assert.Equal("precondition-failed", (await api.DeleteAsync("/v1/namespaces/life", ("If-Match", "\"1\""))).Expect(412).Code);
        (await api.DeleteAsync("/v1/namespaces/life", ("If-Match", "\"2\""))).Expect(204);
        (await api.GetAsync("/v1/namespaces/life")).Expect(404);
    }

    [Fact]
    public async Task PUT_creates_a_missing_resource()
    {
        (await api.PutAsync("/v1/namespaces/put-new", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/put-new", "{}")).Expect(200);
    }

    [Fact]
    public async Task All_faults_are_named_at_once()
    {
        var refused = (await api.PostAsync("/v1/namespaces", """{"name":"Bad_Name","labels":{"ok":1,"a b":"x"},"colour":"red","annotations":[]}""")).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Equal(["labels[ok]", "colour", "annotations", "name", "labels[a b]"], refused.ErrorPaths);
    }
}
