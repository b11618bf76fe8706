using System.Diagnostics;
using System.Net;

namespace CN2.Api.Tests.Authentication;

/// <summary>A watch is no way to go on for somebody who may not begin any more.</summary>
public sealed class StreamTests(KeyFileServer api) : IClassFixture<KeyFileServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Uri[] Watches => [new(api.Rest, "/v1/watch"), new(api.Kubernetes, "/api/v1/services?watch=true")];

    [Fact]
    public async Task A_token_that_is_deleted_ends_its_watches_and_no_others()
    {
        var secret = await AskingServer.TokenAsync(api.ConnectionString, "watcher");
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(secret)).Status == 200, "the token counts");
        var ending = new List<Task>();
        foreach (var uri in Watches) ending.Add(await OpenAsync(uri, secret));
        var staying = await OpenAsync(Watches[0], api.AdminToken);
        await Eventually.StaysAsync(() => !ending.Exists(e => e.IsCompleted), "the watches are open", TimeSpan.FromSeconds(1.5));

        (await api.DeleteAsync("/v1/tokens/watcher", ("Authorization", $"Bearer {api.AdminToken}"))).Expect(204);
        await Eventually.TrueAsync(() => ending.TrueForAll(e => e.IsCompletedSuccessfully), "the watches have ended", seconds: 1);
        Assert.False(staying.IsCompleted);
    }

    [Fact]
    public async Task A_user_token_that_expires_ends_its_watches()
    {
        var expires = KeyFileServer.Now(4);
        var token = api.Token(c => c["exp"] = expires);
        var ending = new List<Task>();
        foreach (var uri in Watches) ending.Add(await OpenAsync(uri, token));
        var staying = await OpenAsync(Watches[0], api.Token());
        Assert.False(ending.Exists(e => e.IsCompleted));
        var clock = Stopwatch.StartNew();
        var left = DateTimeOffset.FromUnixTimeSeconds(expires) - DateTimeOffset.UtcNow;
        await Eventually.TrueAsync(() => ending.TrueForAll(e => e.IsCompletedSuccessfully), "the watches have ended", seconds: left.TotalSeconds + 1);
        Assert.True(clock.Elapsed > left - TimeSpan.FromMilliseconds(200), $"they ended {left - clock.Elapsed} too early");
        Assert.False(staying.IsCompleted);
    }

    [Fact]
    public async Task A_watch_ends_when_the_provider_takes_back_the_key_of_its_token_and_no_other_does()
    {
        var (taken, kept) = (api.Token(algorithm: "RS256"), api.Token(algorithm: "ES256"));
        var ending = new List<Task>();
        foreach (var uri in Watches) ending.Add(await OpenAsync(uri, taken));
        var staying = await OpenAsync(Watches[0], kept);
        try
        {
            await File.WriteAllTextAsync(api.KeysPath, TestKeys.Set([.. api.Curves.Select(c => TestKeys.Of(c.Value, c.Key))]), Token);
            await Eventually.TrueAsync(() => ending.TrueForAll(e => e.IsCompletedSuccessfully), "the watches have ended", seconds: 5);
            Assert.False(staying.IsCompleted);
        }
        finally
        {
            await File.WriteAllTextAsync(api.KeysPath, api.KeySet(), Token);
            await Eventually.TrueAsync(async () => (await api.WithTokenAsync(taken)).Status == 200, "the keys of before count again");
        }
    }

    [Fact]
    public async Task An_API_token_that_expires_ends_its_watches()
    {
        var made = (await api.PostAsync("/v1/tokens", new { name = "brief", expiresAt = DateTimeOffset.UtcNow.AddSeconds(3) }, ("Authorization", $"Bearer {api.AdminToken}"))).Expect(201);
        await AskingServer.AllowAsync(api.ConnectionString, "Token", "brief");
        var secret = (string)made.Json!["token"]!;
        await Eventually.TrueAsync(async () => (await api.WithTokenAsync(secret)).Status == 200, "the token counts");
        var ending = await OpenAsync(Watches[0], secret);
        await Eventually.TrueAsync(() => ending.IsCompletedSuccessfully, "the watch has ended", seconds: 4);
    }

    /// <summary>Opens the stream and answers the task of its end: it ends as a stream, not as a connection that breaks.</summary>
    private async Task<Task> OpenAsync(Uri uri, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { Authorization = new("Bearer", token) } };
        var answer = await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return ToEndAsync();

        async Task ToEndAsync()
        {
            using (request)
            using (answer)
            {
                await using var body = await answer.Content.ReadAsStreamAsync(Token);
                await body.CopyToAsync(Stream.Null, Token);
            }
        }
    }
}
