using CN2.Api.Tests.Fixtures;
using Npgsql;

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

    [Fact]
    public async Task The_token_of_the_last_admin_cannot_be_deleted()
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await AloneAsync(source);
        await TokenAsync("temporary", expires: true);
        await TokenAsync("lasting", expires: false);

        // With a token that expires one can begin; it is the last admin as long as it counts.
        await AdminAsync("temporary", "Token", "temporary");
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/tokens/temporary")).Expect(409).Code);
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/role-bindings/temporary")).Expect(409).Code);

        // From then on somebody stays who does not expire.
        await AdminAsync("lasting", "Token", "lasting");
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/tokens/lasting")).Expect(409).Code);
        Assert.Equal("last-admin", (await api.DeleteAsync("/v1/role-bindings/lasting")).Expect(409).Code);
        Assert.Equal("last-admin", (await api.PutAsync("/v1/role-bindings/lasting", """{"subjects":[{"kind":"Token","name":"temporary"}],"role":"admin","namespaces":["*"]}""")).Expect(409).Code);
        (await api.DeleteAsync("/v1/tokens/temporary")).Expect(204);
        await AdminAsync("person", "User", "root");
        (await api.DeleteAsync("/v1/tokens/lasting")).Expect(204);

        // A token that has expired is none, and stands in nobody's way.
        await TokenAsync("temporary", expires: true);
        await AloneAsync(source);
        await AdminAsync("temporary", "Token", "temporary");
        await using (var command = source.CreateCommand("UPDATE api_token SET expires_at = now() - interval '1 second' WHERE name = 'temporary'")) await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        (await api.DeleteAsync("/v1/tokens/temporary")).Expect(204);
        (await api.DeleteAsync("/v1/role-bindings/temporary")).Expect(204);
    }

    private async Task TokenAsync(string name, bool expires) =>
        (await api.PostAsync("/v1/tokens", new { name, expiresAt = expires ? DateTimeOffset.UtcNow.AddHours(1) : (DateTimeOffset?)null })).Expect(201);

    /// <summary>No role binding is left, as in a new database.</summary>
    private static async Task AloneAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand("DELETE FROM role_binding");
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private async Task AdminAsync(string name, string kind, string subject) =>
        Assert.InRange((await api.PutAsync($"/v1/role-bindings/{name}", new { subjects = new[] { new { kind, name = subject } }, role = "admin", namespaces = new[] { "*" } })).Status, 200, 201);
}
