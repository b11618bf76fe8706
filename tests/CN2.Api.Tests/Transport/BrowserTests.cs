using System.Text.RegularExpressions;

namespace CN2.Api.Tests.Transport;

/// <summary>What protects the users of browsers: host names, headers, origins.</summary>
public sealed class BrowserTests(TlsServer api) : IClassFixture<TlsServer>, IDisposable
{
    // A client takes the name that it checks from the Host header, and here that is often a wrong one.
    private readonly HttpClient _client = new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _client.Dispose();

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("localhost:8080", true)]
    [InlineData("[::1]", true)]
    [InlineData("cn2.example", true)]
    [InlineData("CN2.example:443", true)]
    [InlineData("a.lab.example", true)]
    [InlineData("lab.example", false)]
    [InlineData("evil.example", false)]
    [InlineData("evil.example:8080", false)]
    [InlineData("cn2.example.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("192.0.2.1", false)]
    public async Task A_host_that_is_no_name_of_the_server_is_refused(string host, bool taken)
    {
        foreach (var path in (string[])["/v1/namespaces", "/swagger/index.html", "/livez", "/nothing"])
        {
            using var answer = await GetAsync(new Uri(api.Rest, path), ("Host", host));
            if (taken)
            {
                Assert.NotEqual(400, (int)answer.StatusCode);
                continue;
            }

            Assert.Equal((400, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Contains("\"code\":\"host-not-allowed\"", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        }

        using var kubernetes = await GetAsync(new Uri(api.Kubernetes, "/api/v1/namespaces"), ("Host", host));
        Assert.Equal(taken ? 200 : 400, (int)kubernetes.StatusCode);
        if (!taken) Assert.Contains("\"kind\":\"Status\"", await kubernetes.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/namespaces", 200)]
    [InlineData("/v1/namespaces?limit=x", 400)]
    [InlineData("/v1/nothing", 404)]
    [InlineData("/livez", 200)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/swagger/index.html", 200)]
    [InlineData("/swagger/swagger-ui-bundle.js", 200)]
    public async Task Every_answer_says_that_it_is_neither_framed_nor_sniffed_nor_a_source_of_scripts(string path, int status)
    {
        using var answer = await GetAsync(new Uri(api.Rest, path));
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(("nosniff", "DENY", "no-referrer"), (Header(answer, "X-Content-Type-Options"), Header(answer, "X-Frame-Options"), Header(answer, "Referrer-Policy")));
        var policy = Header(answer, "Content-Security-Policy");
        Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script-src 'self' 'unsafe", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Swagger_UI_keeps_to_its_policy()
    {
        using var answer = await GetAsync(new Uri(api.Rest, "/swagger/index.html"));
        var page = await answer.Content.ReadAsStringAsync(Token);
        // script-src 'self' forbids scripts in the page; style-src 'self' 'unsafe-inline' does not forbid styles.
        Assert.All(Regex.Matches(page, "<script[^>]*>([\\s\\S]*?)</script>").Select(m => m.Groups[1].Value), body => Assert.Equal("", body.Trim()));
        Assert.DoesNotMatch("\\son[a-z]+=", page);
        foreach (var script in (string[])["swagger-ui-bundle.js", "index.js"])
        {
            using var text = await GetAsync(new Uri(api.Rest, $"/swagger/{script}"));
            Assert.EndsWith("/javascript", text.Content.Headers.ContentType?.MediaType, StringComparison.Ordinal); // nosniff: another type would not run
        }
    }

    [Fact]
    public async Task HTTPS_is_asked_for_in_future_where_the_name_is_not_loopback()
    {
        using var named = await GetAsync(new Uri(api.Rest, "/v1/namespaces"), ("Host", "cn2.example"));
        Assert.Equal("max-age=31536000", Header(named, "Strict-Transport-Security"));
        using var loopback = await GetAsync(new Uri(api.Rest, "/v1/namespaces"));
        Assert.Null(Header(loopback, "Strict-Transport-Security"));
    }

    [Theory]
    [InlineData("https://portal.example", true)]
    [InlineData("https://portal.example:8443", false)]
    [InlineData("http://portal.example", false)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    public async Task Pages_of_other_origins_may_call_only_when_their_origin_is_named(string origin, bool allowed)
    {
        var path = new Uri(api.Rest, "/v1/namespaces");
        using var read = await GetAsync(path, ("Origin", origin));
        Assert.Equal(allowed ? origin : null, Header(read, "Access-Control-Allow-Origin"));
        Assert.Equal(allowed ? "ETag,Location,Retry-After,WWW-Authenticate,X-Request-Id" : null, Header(read, "Access-Control-Expose-Headers"));
        using var missing = await GetAsync(new Uri(api.Rest, "/v1/namespaces/nothing"), ("Origin", origin));
        Assert.Equal((404, allowed ? origin : null), ((int)missing.StatusCode, Header(missing, "Access-Control-Allow-Origin")));

        using var preflight = new HttpRequestMessage(HttpMethod.Options, path);
        foreach (var (name, value) in ((string, string)[])[("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type,idempotency-key")])
            preflight.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _client.SendAsync(preflight, Token);
        Assert.Equal(allowed ? origin : null, Header(answer, "Access-Control-Allow-Origin"));
        Assert.Equal(allowed ? "GET,POST,PUT,PATCH,DELETE" : null, Header(answer, "Access-Control-Allow-Methods"));
        Assert.Null(Header(answer, "Access-Control-Allow-Credentials"));

        using var kubernetes = await GetAsync(new Uri(api.Kubernetes, "/api/v1/namespaces"), ("Origin", origin));
        Assert.Null(Header(kubernetes, "Access-Control-Allow-Origin"));
    }

    private async Task<HttpResponseMessage> GetAsync(Uri uri, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await _client.SendAsync(request, Token);
    }

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}
