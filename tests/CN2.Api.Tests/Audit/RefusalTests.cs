using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CN2.Api.Tests.Authentication;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Audit;

/// <summary>401 and 403 of any request are in the audit log, whatever the request says of itself.</summary>
public sealed class RefusalTests(AskingServer api) : IClassFixture<AskingServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "/v1/namespaces/ns2/services")]
    [InlineData(true, "/api/v1/namespaces/ns2/services")]
    [InlineData(false, "/metrics")]
    [InlineData(false, "/nothing")]
    public async Task No_content_type_hides_a_refusal(bool kubernetes, string path)
    {
        var secret = await AskingServer.TokenAsync(api.ConnectionString, $"nobody-{Guid.NewGuid():n}", "--role", "viewer", "--namespaces", "ns-of-nobody");
        foreach (var type in (string?[])[null, "application/grpc", "application/grpc+proto"])
        {
            foreach (var (token, status) in ((string?, int)[])[(secret, 403), (null, 401)])
            {
                if (path == "/nothing" && status == 403) continue; // whoever is known gets a 404
                var id = $"refusal-{Guid.NewGuid():n}";
                var source = $"198.51.100.{Random.Shared.Next(1, 250)}";
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(kubernetes ? api.Kubernetes : api.Rest, path));
                if (type is not null) request.Content = new ByteArrayContent([]) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
                if (token is not null) request.Headers.Authorization = new("Bearer", token);
                request.Headers.Add("X-Request-Id", id);
                request.Headers.Add(CallerServer.Header, source);
                using var answer = await api.Client.SendAsync(request, Token);
                Assert.Equal(status, (int)answer.StatusCode);
                Assert.Equal([id], answer.Headers.GetValues("X-Request-Id"));
                await Eventually.TrueAsync(async () => (await EntriesAsync()).Exists(e => (string?)e["requestId"] == id && (int)e["status"]! == status && (string?)e["path"] == path), $"{type} {status} is in the audit log");
            }
        }
    }

    [Fact]
    public async Task A_token_that_exists_is_not_changed_by_PUT_or_PATCH()
    {
        var reply = await api.PostAsync("/v1/tokens", new { name = "admin" }, ("Authorization", $"Bearer {api.AdminToken}"));
        Assert.Equal(409, reply.Status);
        Assert.DoesNotContain("PUT", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_is_a_415()
    {
        using var form = new MultipartFormDataContent { { new StringContent("web"), "name" } };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(api.Rest, "/v1/namespaces")) { Content = form, Headers = { Authorization = new("Bearer", api.AdminToken) } };
        using var answer = await api.Client.SendAsync(request, Token);
        Assert.Equal(415, (int)answer.StatusCode);
    }

    [Fact]
    public async Task The_audit_log_offers_no_filter_that_it_refuses()
    {
        var reply = await api.SendAsync(HttpMethod.Get, "/v1/audit?user=a", null, ("Authorization", $"Bearer {api.AdminToken}"));
        Assert.Equal(400, reply.Status);
        Assert.DoesNotContain("labelSelector", reply.Text, StringComparison.Ordinal);
    }

    private async Task<List<JsonNode>> EntriesAsync() =>
        [.. (await api.SendAsync(HttpMethod.Get, "/v1/audit?limit=200", null, ("Authorization", $"Bearer {api.AdminToken}"))).Json!["items"]!.AsArray().Select(e => e!)];
}
