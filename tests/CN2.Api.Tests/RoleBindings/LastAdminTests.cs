using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.RoleBindings;

/// <summary>There is one admin at least, once there was one.</summary>
public sealed class LastAdminTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Nothing_takes_the_role_from_the_last_admin()
    {
        await AdminAsync("first", "User", "root");
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/role-bindings/first")).Expect(409).Code);
        Assert.Equal("last-admin", (await api.PatchAsync("/v1/role-bindings/first", """{"role":"operator"}""")).Expect(409).Code);
        Assert.Equal("last-admin", (await api.PutAsync("/v1/role-bindings/first", """{"subjects":[],"role":"admin","namespaces":["*"]}""")).Expect(409).Code);
        Assert.Equal("\"1\"", (await api.PatchAsync("/v1/role-bindings/first", """{"subjects":[{"kind":"User","name":"root"}]}""")).Expect(200).ETag);
        (await api.PatchAsync("/v1/role-bindings/first", """{"subjects":[{"kind":"Group","name":"admins"}]}""")).Expect(200);

        // A token that is not there is no admin.
        await AdminAsync("second", "Token", "absent");
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/role-bindings/first")).Expect(409).Code);

        // Of two that go at once, one stays.
        for (var i = 0; i < 5; i++)
        {
            await AdminAsync("third", "User", "root");
            var gone = await Task.WhenAll(api.DeleteAsync("/v1/role-bindings/first"), api.DeleteAsync("/v1/role-bindings/third"));
            Assert.Equal([204, 409], gone.Select(g => g.Status).Order());
            await AdminAsync("first", "Group", "admins");
            Assert.InRange((await api.DeleteAsync("/v1/role-bindings/third")).Status, 204, 404);
        }
    }

    private async Task AdminAsync(string name, string kind, string subject) =>
        Assert.InRange((await api.PutAsync($"/v1/role-bindings/{name}", new { subjects = new[] { new { kind, name = subject } }, role = "admin", namespaces = new[] { "*" } })).Status, 200, 201);
}
