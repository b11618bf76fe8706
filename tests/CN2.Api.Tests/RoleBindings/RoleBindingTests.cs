using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.RoleBindings;

public sealed class RoleBindingTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task A_role_binding_is_created_read_changed_and_deleted()
    {
        var created = (await api.PostAsync("/v1/role-bindings", """{"name":"web","labels":{"a":"b"},"subjects":[{"kind":"Group","name":"web team"},{"kind":"Token","name":"portal"}],"role":"editor","namespaces":["ns1","ns2"]}""")).Expect(201);
        Assert.Equal(("/v1/role-bindings/web", "\"1\""), (created.Location, created.ETag));
        var read = (await api.GetAsync("/v1/role-bindings/web")).Expect(200);
        Assert.Equal(created.Text, read.Text);
        Assert.Equal("""[{"kind":"Group","name":"web team"},{"kind":"Token","name":"portal"}]""", read.Json!["subjects"]!.ToJsonString());
        Assert.Equal("\"1\"", (await api.PutAsync("/v1/role-bindings/web", read.Text)).Expect(200).ETag);
        var patched = (await api.PatchAsync("/v1/role-bindings/web", """{"role":"viewer","subjects":[]}""", ("If-Match", "\"1\""))).Expect(200);
        Assert.Equal(("viewer", "\"2\""), ((string?)patched.Json!["role"], patched.ETag));
        (await api.PatchAsync("/v1/role-bindings/web", """{"role":"editor"}""", ("If-Match", "\"1\""))).Expect(412);
        Assert.Equal(409, (await api.PostAsync("/v1/role-bindings", """{"name":"web","role":"viewer","namespaces":["*"]}""")).Status);
        Assert.Contains("\"web\"", (await api.GetAsync("/v1/role-bindings?labelSelector=a=b")).Expect(200).Text, StringComparison.Ordinal);
        (await api.DeleteAsync("/v1/role-bindings/web")).Expect(204);
        (await api.GetAsync("/v1/role-bindings/web")).Expect(404);
    }

    [Fact]
    public async Task A_dry_run_keeps_nothing_and_a_repeated_key_answers_again()
    {
        const string Body = """{"name":"dry","subjects":[{"kind":"User","name":"alice"}],"role":"viewer","namespaces":["*"]}""";
        (await api.PostAsync("/v1/role-bindings?dryRun=true", Body)).Expect(201);
        (await api.GetAsync("/v1/role-bindings/dry")).Expect(404);
        var first = (await api.PostAsync("/v1/role-bindings", Body, ("Idempotency-Key", "rb-1"))).Expect(201);
        Assert.Equal(first.Text, (await api.PostAsync("/v1/role-bindings", Body, ("Idempotency-Key", "rb-1"))).Expect(201).Text);
    }

    [Theory]
    [InlineData("""{"role":"operator","namespaces":["ns1"]}""", "namespaces")]
    [InlineData("""{"role":"admin","namespaces":["ns1"]}""", "namespaces")]
    [InlineData("""{"role":"viewer","namespaces":["*","ns1"]}""", "namespaces[0]")]
    [InlineData("""{"role":"viewer","namespaces":[]}""", "namespaces")]
    [InlineData("""{"role":"viewer"}""", "namespaces")]
    [InlineData("""{"role":"viewer","namespaces":["ns1","NS2","ns1"]}""", "namespaces[1] namespaces[2]")]
    [InlineData("""{"role":"Viewer","namespaces":["*"]}""", "role")]
    [InlineData("""{"namespaces":["*"]}""", "role")]
    [InlineData("""{"role":"viewer","namespaces":["*"],"subjects":[{"kind":"Robot","name":"x"}]}""", "subjects[0].kind")]
    [InlineData("""{"role":"viewer","namespaces":["*"],"subjects":[{"kind":"User"},{"name":"x"},{"kind":"User","name":" "}]}""", "subjects[0].name subjects[1].kind subjects[2].name")]
    [InlineData("""{"role":"viewer","namespaces":["*"],"subjects":[{"kind":"User","name":"x"},{"kind":"User","name":"x"}]}""", "subjects[1]")]
    [InlineData("""{"role":"viewer","namespaces":["*"],"subjects":[{"kind":"User","name":"a\nb"}]}""", "subjects[0].name")]
    public async Task Every_fault_is_named(string body, string paths) =>
        Assert.Equal(paths.Split(' '), (await api.PutAsync("/v1/role-bindings/wrong", body)).Expect(400).ErrorPaths.Order(StringComparer.Ordinal));

    [Fact]
    public async Task Lists_in_a_role_binding_have_their_limits()
    {
        var body = new { role = "viewer", namespaces = Enumerable.Range(0, 1001).Select(i => $"n{i}"), subjects = Enumerable.Range(0, 101).Select(i => new { kind = "User", name = $"u{i}" }) };
        Assert.Equal(["namespaces", "subjects"], (await api.PutAsync("/v1/role-bindings/large", body)).Expect(400).ErrorPaths.Order(StringComparer.Ordinal));
    }
}
