using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Namespaces;

public sealed class NamespaceTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Default_exists_from_the_start_and_stays()
    {
        (await api.GetAsync("/v1/namespaces/default")).Expect(200);
        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/default")).Expect(409).Code);
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
    public async Task Put_creates_what_is_absent()
    {
        (await api.PutAsync("/v1/namespaces/put-new", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/put-new", "{}")).Expect(200);
    }

    [Fact]
    public async Task Every_fault_is_named_at_once()
    {
        var refused = (await api.PostAsync("/v1/namespaces", """{"name":"Bad_Name","labels":{"ok":1,"a b":"x"},"colour":"red","annotations":[]}""")).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Equal(["labels[ok]", "colour", "annotations", "name", "labels[a b]"], refused.ErrorPaths);
    }
}
