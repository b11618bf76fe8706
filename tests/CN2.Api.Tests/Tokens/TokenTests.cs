using System.Security.Cryptography;
using System.Text;
using CN2.Api.Access;
using CN2.Api.Tests.Authentication;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Tokens;

/// <summary>API tokens as a resource: the secret is answered once and kept nowhere.</summary>
public sealed class TokenTests(AskingServer api, PrivatePostgres postgres) : IClassFixture<AskingServer>
{
    private (string, string) Admin => ("Authorization", $"Bearer {api.AdminToken}");

    [Fact]
    public async Task A_token_is_made_used_listed_and_deleted()
    {
        var made = (await PostAsync(new { name = "portal", labels = new { team = "web" }, expiresAt = "2036-01-01T02:00:00+02:00" })).Expect(201);
        Assert.Equal(("/v1/tokens/portal", "\"1\""), (made.Location, made.ETag));
        Assert.Equal("2036-01-01T00:00:00Z", (string?)made.Json!["expiresAt"]);
        var secret = (string)made.Json["token"]!;
        Assert.Matches("^cn2_[A-Za-z0-9_-]{43}$", secret);
        await AskingServer.AllowAsync(api.ConnectionString, "Token", "portal");
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(secret)).Status == 200, "it counts");
        (await api.WithTokenAsync(secret)).IsFrom(CallerKind.Token, "portal");

        var read = (await GetAsync("/v1/tokens/portal")).Expect(200);
        Assert.Null(read.Json!["token"]);
        Assert.Equal("Success", (string?)read.Json["status"]!["state"]);
        Assert.Single((await GetAsync("/v1/tokens?labelSelector=team%3Dweb")).Expect(200).Json!["items"]!.AsArray(), t => (string?)t!["name"] == "portal" && t["token"] is null);

        (await api.DeleteAsync("/v1/tokens/portal", Admin)).Expect(204);
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(secret)).Status == 401, "it is worth nothing", seconds: 1);
        (await api.WithTokenAsync(secret)).IsRefused("the token is unknown or was revoked");
        (await GetAsync("/v1/tokens/portal")).Expect(404);
        (await api.DeleteAsync("/v1/tokens/portal", Admin)).Expect(404);
    }

    [Fact]
    public async Task What_one_replica_makes_and_deletes_counts_at_the_other_within_a_second()
    {
        await using var other = new Replica(postgres, api.ConnectionString);
        await other.InitializeAsync();
        var secret = (string)(await PostAsync(new { name = "elsewhere" })).Expect(201).Json!["token"]!;
        await AskingServer.AllowAsync(api.ConnectionString, "Token", "elsewhere");
        await Eventually.TrueAsync(async () => (await other.WithTokenAsync(secret)).Status == 200, "it counts", seconds: 1);
        (await api.DeleteAsync("/v1/tokens/elsewhere", Admin)).Expect(204);
        await Eventually.TrueAsync(async () => (await other.WithTokenAsync(secret)).Status == 401, "it is worth nothing", seconds: 1);
    }

    [Fact]
    public async Task Only_the_SHA_256_of_the_secret_is_kept()
    {
        var secret = (string)(await PostAsync(new { name = "hashed" }, ("Idempotency-Key", "hashed"))).Expect(201).Json!["token"]!;
        await using var command = api.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SELECT secret_hash FROM api_token WHERE name = 'hashed'");
        await using (var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken))
        {
            Assert.True(await row.ReadAsync(TestContext.Current.CancellationToken));
            Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(secret)), row.GetFieldValue<byte[]>(0));
        }

        await using var dump = api.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            "SELECT (SELECT coalesce(string_agg(t::text, ''), '') FROM api_token t) || (SELECT coalesce(string_agg(k::text, ''), '') FROM idempotency_key k) || (SELECT coalesce(string_agg(e::text, ''), '') FROM event e)");
        await using var text = await dump.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await text.ReadAsync(TestContext.Current.CancellationToken));
        Assert.DoesNotContain(secret["cn2_".Length..], text.GetString(0), StringComparison.Ordinal);
        Assert.Contains("hashed", text.GetString(0), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repeat_with_the_same_key_makes_nothing_and_does_not_show_the_secret_again()
    {
        var first = (await PostAsync(new { name = "once" }, ("Idempotency-Key", "once"))).Expect(201);
        var again = (await PostAsync(new { name = "once" }, ("Idempotency-Key", "once"))).Expect(201);
        Assert.NotNull(first.Json!["token"]);
        Assert.Null(again.Json!["token"]);
        Assert.Equal(((string?)first.Json["uid"], first.Location, first.ETag), ((string?)again.Json["uid"], again.Location, again.ETag));
        Assert.Equal("idempotency-key-reused", (await PostAsync(new { name = "twice" }, ("Idempotency-Key", "once"))).Expect(409).Code);
        Assert.NotEqual(401, (await api.WithTokenAsync((string)first.Json["token"]!)).Status);
    }

    [Fact]
    public async Task A_dry_run_keeps_nothing_and_has_no_secret()
    {
        Assert.Null((await api.PostAsync("/v1/tokens?dryRun=true", new { name = "dry" }, Admin)).Expect(201).Json!["token"]);
        (await GetAsync("/v1/tokens/dry")).Expect(404);
    }

    [Fact]
    public async Task What_is_no_token_is_refused_with_every_fault()
    {
        var reply = (await PostAsync(new { name = "Not_A_Name", expiresAt = "2020-01-01T00:00:00Z", secret = "x" })).Expect(400);
        Assert.Equal(["expiresAt", "name", "secret"], reply.ErrorPaths.Order());
        (await PostAsync("""{"name": "time", "expiresAt": "soon"}""")).Expect(400);
        (await PostAsync(new { name = "taken" })).Expect(201);
        Assert.Equal("already-exists", (await PostAsync(new { name = "taken" })).Expect(409).Code);
        (await api.DeleteAsync("/v1/tokens/taken", Admin, ("If-Match", "\"7\""))).Expect(412);
        (await api.SendAsync(HttpMethod.Put, "/v1/tokens/taken", "{}", Admin)).Expect(405);
    }

    [Fact]
    public async Task A_token_that_has_expired_is_refused()
    {
        var secret = (string)(await PostAsync(new { name = "short", expiresAt = DateTimeOffset.UtcNow.AddSeconds(2) })).Expect(201).Json!["token"]!;
        Assert.NotEqual(401, (await api.WithTokenAsync(secret)).Status);
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(secret)).Status == 401, "it has expired");
        (await api.WithTokenAsync(secret)).IsRefused("the token has expired");
        Assert.Equal("Failure", (string?)(await GetAsync("/v1/tokens/short")).Expect(200).Json!["status"]!["state"]);
    }

    [Fact]
    public async Task The_last_use_is_noted_once_a_minute()
    {
        var secret = (string)(await PostAsync(new { name = "used" })).Expect(201).Json!["token"]!;
        Assert.Null((string?)(await GetAsync("/v1/tokens/used")).Expect(200).Json!["lastUsedAt"]);
        await api.WithTokenAsync(secret);
        string? at = null;
        await Eventually.TrueAsync(async () => (at = (string?)(await GetAsync("/v1/tokens/used")).Json!["lastUsedAt"]) is not null, "the use is noted", seconds: 30);
        for (var i = 0; i < 20; i++) await api.WithTokenAsync(secret);
        await api.Services.GetRequiredService<CN2.Api.Authentication.TokenUses>().WriteAsync(TestContext.Current.CancellationToken);
        var read = (await GetAsync("/v1/tokens/used")).Expect(200);
        Assert.Equal((at, "\"1\""), ((string?)read.Json!["lastUsedAt"], read.ETag));
    }

    private Task<Reply> PostAsync(object body, params (string, string)[] headers) => api.PostAsync("/v1/tokens", body, [Admin, .. headers]);

    private Task<Reply> GetAsync(string path) => api.SendAsync(HttpMethod.Get, path, null, Admin);

    /// <summary>A second server on the database of the first.</summary>
    private sealed class Replica(PrivatePostgres postgres, string database) : AskingServer(postgres)
    {
        protected override string[] Settings => [.. base.Settings, "--ControlNode:Name", "other"];

        protected override Task<string> DatabaseAsync() => Task.FromResult(database);
    }
}
