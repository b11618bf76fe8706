using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Api.Access;

namespace CN2.Api.Tests.Authentication;

/// <summary>Who is asked, and what is answered to those who do not say who they are.</summary>
public sealed class CallerTests(AskingServer api) : IClassFixture<AskingServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/namespaces")]
    [InlineData("/v1/services")]
    [InlineData("/v1/watch")]
    [InlineData("/v1/tokens")]
    [InlineData("/metrics")]
    [InlineData("/v1/nothing/is/here")]
    [InlineData("/nothing")]
    public async Task REST_asks_who_calls_before_anything_else(string path)
    {
        var asked = await api.AskAsync(path);
        Assert.Equal((401, "Bearer realm=\"CN2\"", "application/problem+json"), (asked.Status, asked.Challenge, asked.ContentType));
        Assert.Equal("unauthenticated", (string?)JsonNode.Parse(asked.Text)!["code"]);
    }

    [Theory]
    [InlineData("/api/v1/namespaces")]
    [InlineData("/api")]
    [InlineData("/apis")]
    [InlineData("/apis/core.contrail.juniper.net/v1alpha1/floatingips")]
    [InlineData("/api/v1/services?watch=true")]
    [InlineData("/nothing")]
    public async Task The_Kubernetes_API_answers_with_a_Status(string path)
    {
        var asked = await api.AskAsync(new Uri(api.Kubernetes, path));
        Assert.Equal((401, "Bearer realm=\"CN2\"", "application/json"), (asked.Status, asked.Challenge, asked.ContentType));
        var status = JsonNode.Parse(asked.Text)!;
        Assert.Equal(("Status", "Failure", "Unauthorized", 401), ((string?)status["kind"], (string?)status["status"], (string?)status["reason"], (int?)status["code"]));
    }

    [Fact]
    public async Task Health_and_what_documents_the_API_are_open()
    {
        await Eventually.TrueAsync(async () => (await api.AskAsync("/readyz")).Status == 200, "it is ready, and says so to everybody");
        foreach (var path in (string[])["/livez", "/readyz", "/openapi/v1.json", "/swagger/index.html", "/swagger/swagger-ui-bundle.js"])
            Assert.True((await api.AskAsync(path)).Status == 200, path);
        foreach (var path in (string[])["/livez", "/readyz", "/healthz", "/version", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1"])
            Assert.True((await api.AskAsync(new Uri(api.Kubernetes, path))).Status == 200, path);
    }

    [Fact]
    public async Task An_API_token_opens_both_doors()
    {
        (await api.WithTokenAsync(api.AdminToken)).IsFrom(CallerKind.Token, "admin");
        (await api.AskAsync(new Uri(api.Kubernetes, "/api/v1/namespaces"), ("Authorization", $"Bearer {api.AdminToken}"))).IsFrom(CallerKind.Token, "admin");
        (await api.AskAsync("/metrics", ("Authorization", $"bearer {api.AdminToken}"))).IsFrom(CallerKind.Token, "admin");
    }

    [Fact]
    public async Task A_token_that_nobody_has_made_is_refused()
    {
        foreach (var token in (string[])[TokenSecret.New(), "cn2_", "cn2_x", api.AdminToken + "A", api.AdminToken[..^1], api.AdminToken.ToUpperInvariant().Replace("CN2_", "cn2_", StringComparison.Ordinal)])
            (await api.WithTokenAsync(token)).IsRefused("the token is unknown or was revoked");
        (await api.WithTokenAsync("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")).IsRefused("the token is no API token of this server, and it has no identity provider");
    }

    [Fact]
    public async Task A_header_that_is_none_of_ours_is_refused_with_the_reason()
    {
        var good = ("Authorization", $"Bearer {api.AdminToken}");
        (await api.AskAsync("/v1/namespaces", ("Authorization", "Basic YWxpY2U6c2VjcmV0"))).IsRefused("the Authorization header is not of the scheme Bearer");
        (await api.AskAsync("/v1/namespaces", ("Authorization", "Bearer"))).IsRefused("the Authorization header has no token");
        (await api.AskAsync("/v1/namespaces", ("Authorization", $"Bearer {new string('a', 20_000)}"))).IsRefused("the Authorization header is longer than 16 KiB");
        foreach (var path in (string[])["/v1/namespaces", "/livez"])
        {
            var answer = await RawAsync($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{string.Concat(Enumerable.Repeat($"Authorization: Bearer {api.AdminToken}\r\n", 10))}\r\n");
            if (path == "/livez") Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            else Assert.Contains("error_description=\"there are several Authorization headers\"", answer, StringComparison.Ordinal);
        }

        (await api.AskAsync("/v1/namespaces", good)).IsFrom(CallerKind.Token, "admin");
    }

    /// <summary>Kestrel refuses what is no header; what it lets through is judged here.</summary>
    [Theory]
    [InlineData("Authorization: Bearer a\u0000b")]
    [InlineData("Authorization: Bearer a\u0001b")]
    [InlineData("Authorization: Bearer a\u007fb")]
    [InlineData("Authorization: Bearer a\u00ffb")]
    [InlineData("Authorization: Bearer \t")]
    [InlineData("Authorization : Bearer ab")]
    [InlineData("Authorization:\r\n Bearer ab")]
    public async Task Control_bytes_in_the_header_are_never_a_500(string header)
    {
        var answer = await RawAsync($"GET /v1/namespaces HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{header}\r\n\r\n");
        Assert.Matches("^HTTP/1.1 40[01] ", answer);
    }

    [Fact]
    public async Task A_header_of_a_megabyte_is_a_431()
    {
        var answer = await RawAsync($"GET /v1/namespaces HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {new string('a', 1024 * 1024)}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 431 ", answer, StringComparison.Ordinal);
    }

    /// <summary>What is said of a refusal is no word about the API: a wrong body or name changes nothing.</summary>
    [Fact]
    public async Task A_write_without_a_caller_is_a_401_whatever_it_holds()
    {
        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Post, "/v1/namespaces"), (HttpMethod.Put, "/v1/namespaces/default"), (HttpMethod.Delete, "/v1/namespaces/default"), (HttpMethod.Patch, "/v1/nothing")])
        {
            var reply = await api.SendAsync(method, path, "{ this is no JSON");
            Assert.Equal((401, "unauthenticated"), (reply.Status, reply.Code));
        }
    }

    private async Task<string> RawAsync(string request)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(api.Rest.Host, api.Rest.Port, Token);
        try
        {
            await tcp.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request), Token);
        }
        catch (IOException)
        {
            // The server has answered and closed before it read all of it.
        }

        var answer = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            int count;
            while ((count = await tcp.GetStream().ReadAsync(buffer, Token)) > 0) answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (IOException)
        {
            // A reset after the answer.
        }

        return answer.ToString();
    }
}
