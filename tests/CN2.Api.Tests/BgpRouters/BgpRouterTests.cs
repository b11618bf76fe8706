using CN2.Api.Secrets;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.BgpRouters;

public sealed class BgpRouterTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Defaults_are_those_of_the_contract()
    {
        var json = (await api.PostAsync("/v1/bgp-routers", """{"name":"defaults","address":"172.27.115.245","autonomousSystem":4294967295}""")).Expect(201).Json!;
        Assert.Equal(179, (int)json["port"]!);
        Assert.Equal(90, (int)json["holdTime"]!);
        Assert.Equal(["inet", "inet6", "inet-vpn", "inet6-vpn"], json["addressFamilies"]!.AsArray().Select(f => (string)f!));
        Assert.True((bool)json["addPath"]!);
        Assert.False((bool)json["passive"]!);
        Assert.False((bool)json["adminDown"]!);
        Assert.Equal("""{"enabled":true,"restartTime":120,"longLivedStaleTime":0}""", json["gracefulRestart"]!.ToJsonString());
        Assert.Empty(json["status"]!["sessions"]!.AsArray());
    }

    [Fact]
    public async Task The_key_is_never_shown_and_stays_when_it_is_left_out()
    {
        var created = (await api.PostAsync("/v1/bgp-routers", """{"name":"keyed","address":"172.27.115.1","autonomousSystem":1,"authKey":"s3cret-key"}""")).Expect(201);
        Assert.DoesNotContain("s3cret", created.Text, StringComparison.Ordinal);
        Assert.Equal("\"1\"", (await api.PutAsync("/v1/bgp-routers/keyed", created.Text)).Expect(200).ETag);
        Assert.Equal("s3cret-key", await KeyAsync("keyed"));
        Assert.Equal("\"2\"", (await api.PatchAsync("/v1/bgp-routers/keyed", """{"holdTime":30}""")).Expect(200).ETag);
        Assert.Equal("s3cret-key", await KeyAsync("keyed"));
        Assert.Equal("\"3\"", (await api.PatchAsync("/v1/bgp-routers/keyed", """{"authKey":null}""")).Expect(200).ETag);
        Assert.Null(await KeyAsync("keyed"));
        (await api.PatchAsync("/v1/bgp-routers/keyed", """{"authKey":"other"}""")).Expect(200);
        Assert.Equal("other", await KeyAsync("keyed"));
        Assert.DoesNotContain("other", await DocumentsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_key_again_is_no_change()
    {
        const string body = """{"address":"172.27.115.21","autonomousSystem":1,"authKey":"s3cret-key"}""";
        (await api.PutAsync("/v1/bgp-routers/same", body)).Expect(201);
        var stored = await StoredAsync("same");
        Assert.Equal("\"1\"", (await api.PutAsync("/v1/bgp-routers/same", body)).Expect(200).ETag);
        Assert.Equal(stored, await StoredAsync("same"));
        Assert.Equal("\"2\"", (await api.PatchAsync("/v1/bgp-routers/same", """{"authKey":"another-key"}""")).Expect(200).ETag);
        Assert.Equal("another-key", await KeyAsync("same"));
    }

    [Fact]
    public async Task A_key_of_before_there_was_protection_is_protected_and_nothing_else_changes()
    {
        (await api.PostAsync("/v1/bgp-routers", """{"name":"of-before","address":"172.27.115.22","autonomousSystem":1}""")).Expect(201);
        await SqlAsync("UPDATE bgp_router SET auth_key = 'plain-s3cret' WHERE name = 'of-before'");
        Assert.Equal("\"1\"", (await api.PatchAsync("/v1/bgp-routers/of-before", """{"authKey":"plain-s3cret"}""")).Expect(200).ETag);
        await Eventually.TrueAsync(async () => (await StoredAsync("of-before"))!.StartsWith("protected:", StringComparison.Ordinal), seconds: 30);
        Assert.Equal("plain-s3cret", await KeyAsync("of-before"));
        Assert.Equal("\"1\"", (await api.GetAsync("/v1/bgp-routers/of-before")).Expect(200).ETag);
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_is_a_condition_of_this_router_alone()
    {
        (await api.PostAsync("/v1/bgp-routers", """{"name":"locked","address":"172.27.115.23","autonomousSystem":1,"authKey":"s3cret-key"}""")).Expect(201);
        (await api.PostAsync("/v1/bgp-routers", """{"name":"open","address":"172.27.115.24","autonomousSystem":1,"authKey":"s3cret-key"}""")).Expect(201);
        await SqlAsync("UPDATE bgp_router SET auth_key = overlay(auth_key placing 'AAAA' from 40 for 4) WHERE name = 'locked'");
        var condition = Reply.Condition((await api.GetAsync("/v1/bgp-routers/locked")).Expect(200).Json, "AuthKey")!;
        Assert.Equal(("False", "SecretUnreadable"), ((string?)condition["status"], (string?)condition["reason"]));
        Assert.Contains("set it anew", (string?)condition["message"], StringComparison.Ordinal);
        Assert.Null(Reply.Condition((await api.GetAsync("/v1/bgp-routers/open")).Expect(200).Json, "AuthKey"));
        // Other fields can be changed, and a new key is the way out.
        (await api.PatchAsync("/v1/bgp-routers/locked", """{"holdTime":30}""")).Expect(200);
        (await api.PatchAsync("/v1/bgp-routers/locked", """{"authKey":"s3cret-key"}""")).Expect(200);
        Assert.Equal("s3cret-key", await KeyAsync("locked"));
        Assert.Null(Reply.Condition((await api.GetAsync("/v1/bgp-routers/locked")).Expect(200).Json, "AuthKey"));
    }

    [Fact]
    public async Task Sessions_of_every_control_node_are_shown()
    {
        (await api.PostAsync("/v1/bgp-routers", """{"name":"up","address":"172.27.115.2","autonomousSystem":64512}""")).Expect(201);
        await SqlAsync(
            """
            INSERT INTO control_node (name, last_seen_at, restart_time_seconds, reads_protected_secrets, sessions) VALUES
            ('c1', now(), 120, true, '{"up": {"state": "Established", "since": "2026-11-23T00:00:00Z", "families": ["inet"], "addPath": true, "advertised": 1, "received": 0, "lastError": null}}'),
            ('c2', now(), 120, true, '{"up": {"state": "Active", "since": "2026-11-23T00:00:00Z", "families": [], "addPath": false, "advertised": 0, "received": 0, "lastError": "hold timer expired"}}')
            """);
        var status = (await api.GetAsync("/v1/bgp-routers/up")).Expect(200).Json!["status"]!;
        Assert.Equal("Success", (string?)status["state"]);
        Assert.Equal(["c1 Established", "c2 Active"], status["sessions"]!.AsArray().Select(s => $"{s!["controlNode"]} {s["state"]}"));

        // With a limit it is said whether that keeps anything from the router, and how much.
        Assert.Null(Reply.Condition((await api.GetAsync("/v1/bgp-routers/up")).Json, "Advertised"));
        var limited = (await api.PatchAsync("/v1/bgp-routers/up", """{"maxAdvertised":5}""")).Expect(200).Json;
        Assert.Equal("WithinLimit", (string?)Reply.Condition(limited, "Advertised")!["reason"]);
        await SqlAsync("""UPDATE control_node SET sessions = jsonb_set(sessions::jsonb, '{up,withheld}', '2') WHERE name = 'c1'""");
        limited = (await api.GetAsync("/v1/bgp-routers/up")).Expect(200).Json;
        Assert.Equal(("False", "PeerLimit"), ((string?)Reply.Condition(limited, "Advertised")!["status"], (string?)Reply.Condition(limited, "Advertised")!["reason"]));
        Assert.StartsWith("5 of 7 prefixes are sent", (string?)Reply.Condition(limited, "Advertised")!["message"], StringComparison.Ordinal);
        Assert.Equal(2, (int?)limited!["status"]!["sessions"]![0]!["withheld"]);
    }

    [Fact]
    public async Task Two_routers_cannot_have_the_same_address()
    {
        (await api.PostAsync("/v1/bgp-routers", """{"name":"first","address":"172.27.115.3","autonomousSystem":1}""")).Expect(201);
        Assert.Equal("address-in-use", (await api.PostAsync("/v1/bgp-routers", """{"name":"second","address":"172.27.115.3","autonomousSystem":1}""")).Expect(409).Code);
        Assert.Equal("already-exists", (await api.PostAsync("/v1/bgp-routers", """{"name":"first","address":"172.27.115.3","autonomousSystem":1}""")).Expect(409).Code);
    }

    /// <summary>The key that a control node would use.</summary>
    private async Task<string?> KeyAsync(string name)
    {
        if (await StoredAsync(name) is not { } stored) return null;
        Assert.StartsWith("protected:", stored, StringComparison.Ordinal);
        return await api.Services.GetRequiredService<ISecretProtection>().UnprotectAsync(stored, ProtectedColumn.BgpAuthKey.Purpose, TestContext.Current.CancellationToken);
    }

    private async Task<string?> StoredAsync(string name) => await SqlAsync($"SELECT auth_key FROM bgp_router WHERE name = '{name}'") as string;

    private async Task<string> DocumentsAsync() => (string)(await SqlAsync("SELECT coalesce(string_agg(document::text, ''), '') FROM change"))!;

    private async Task<object?> SqlAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync();
#pragma warning disable CA2100 // Fixed texts of this file.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }
}
