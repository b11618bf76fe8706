using System.Security.Cryptography.X509Certificates;
using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Authentication;

/// <summary>Client certificates, on both doors and in both versions of HTTP: one that is not valid is a 401 with the reason, and not a connection that fails.</summary>
public sealed class ClientCertificateTests(ClientCertificateTests.Server api) : IClassFixture<ClientCertificateTests.Server>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.1", false)]
    [InlineData("1.1", true)]
    [InlineData("2.0", false)]
    [InlineData("2.0", true)]
    public async Task The_common_name_is_the_user_and_each_organization_a_group(string version, bool kubernetes)
    {
        using var certificate = api.Clients.Issue("CN=alice, O=ops, O=web, C=CH");
        var (status, challenge) = await AskAsync(certificate, version, kubernetes);
        Assert.Equal((200, ""), (status, challenge));
        Assert.Equal((CallerKind.User, "alice"), (api.Last!.Kind, api.Last.Name));
        Assert.Equal(["ops", "web"], api.Last.Groups.Order());
    }

    [Fact]
    public async Task Groups_in_one_element_of_the_name_are_groups_too()
    {
        using var certificate = api.Clients.Issue(ClientAuthority.OneElement("alice", "system:masters", "web"));
        Assert.Equal(200, (await AskAsync(certificate)).Status);
        Assert.Equal(["system:masters", "web"], api.Last!.Groups.Order());
    }

    [Fact]
    public async Task A_certificate_for_every_purpose_counts()
    {
        using var certificate = api.Clients.Issue("CN=alice", usage: null);
        Assert.Equal(200, (await AskAsync(certificate)).Status);
    }

    [Theory]
    [InlineData("1.1", false)]
    [InlineData("2.0", true)]
    public async Task A_certificate_that_is_not_valid_is_a_401_with_the_reason(string version, bool kubernetes)
    {
        using var stranger = new ClientAuthority();
        var now = DateTimeOffset.UtcNow;
        foreach (var (certificate, reason) in ((X509Certificate2, string)[])
        [
            (api.Clients.Issue("CN=alice", now.AddDays(-3), now.AddDays(-1)), "has expired"),
            (api.Clients.Issue("CN=alice", now.AddHours(1)), "is not valid yet"),
            (stranger.Issue("CN=alice"), "is of a CA that this server does not know"),
            (api.Clients.Issue("CN=alice", usage: ClientAuthority.ForServers), "is not for clients (extended key usage clientAuth)"),
            (api.Clients.Issue("O=ops"), "has no common name (CN) that can be a user's name"),
        ])
        {
            using (certificate)
            {
                var (status, challenge) = await AskAsync(certificate, version, kubernetes);
                Assert.Equal((401, $"Bearer realm=\"CN2\", error=\"invalid_token\", error_description=\"the client certificate {reason}\""), (status, challenge));
            }
        }
    }

    [Theory]
    [InlineData("spiffe://contrail-k8s-kubemanager-cluster1-juniper-local/virtual-router/alice", false)]
    [InlineData("spiffe://other/virtual-router/alice", false)]
    [InlineData("SPIFFE://other/Virtual-Router/alice", false)]
    [InlineData("spiffe://company.example/user/alice", true)]
    public async Task The_certificate_of_a_VirtualRouter_is_no_users(string uri, bool isUser)
    {
        using var certificate = api.Clients.Issue(new X500DistinguishedName("CN=alice"), uri: uri);
        foreach (var kubernetes in (bool[])[false, true])
        {
            var refused = (401, "Bearer realm=\"CN2\", error=\"invalid_token\", error_description=\"the client certificate is that of a VirtualRouter, which is no user\"");
            Assert.Equal(isUser ? (200, "") : refused, await AskAsync(certificate, kubernetes: kubernetes));
        }
    }

    /// <summary>A browser adds the certificate by itself to what a page of another origin sends.</summary>
    [Theory]
    [InlineData(null, null, false)] // kubectl, curl, a program
    [InlineData("https://evil.example", "cross-site", true)]
    [InlineData("https://evil.example", null, true)]
    [InlineData("null", "cross-site", true)]
    [InlineData("own", "same-origin", false)]
    [InlineData("http://own", null, true)]
    [InlineData("https://portal.example", "cross-site", false)]
    [InlineData("https://portal.example:8443", "same-site", true)]
    [InlineData(null, "cross-site", true)]
    [InlineData(null, "same-site", true)]
    [InlineData(null, "same-origin", false)]
    [InlineData(null, "none", false)]
    public async Task A_page_of_another_origin_writes_nothing_with_the_certificate_of_its_reader(string? origin, string? site, bool isRefused)
    {
        using var certificate = api.Clients.Issue("CN=alice");
        using var client = api.Connect(certificate);
        foreach (var (door, path, body) in ((Uri, string, string)[])
        [
            (api.Kubernetes, "/api/v1/namespaces", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"NAME"}}"""), (api.Rest, "/v1/virtual-routers/nowhere:join-token", ""),
        ])
        {
            var name = $"cross-{Guid.NewGuid():n}";
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(door, path)) { Content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body.Replace("NAME", name, StringComparison.Ordinal))) };
            var own = $"{door.Authority}";
            if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin == "own" ? $"https://{own}" : origin.Replace("//own", $"//{own}", StringComparison.Ordinal));
            if (site is not null) request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", site);
            using var answer = await client.SendAsync(request, Token);
            var text = await answer.Content.ReadAsStringAsync(Token);
            Assert.True(isRefused ? (int)answer.StatusCode == 403 : (int)answer.StatusCode is 201 or 404, $"{door} {answer.StatusCode}: {text}");
            if (isRefused && door == api.Rest) Assert.Contains("\"code\":\"cross-origin\"", text, StringComparison.Ordinal);
            if (isRefused) Assert.Contains("Http__CorsOrigins", text, StringComparison.Ordinal);
            if (door == api.Kubernetes) Assert.Equal(isRefused ? 404 : 200, await StatusAsync(new Uri(door, $"{path}/{name}")));
        }

        // A token is chosen by the page, and reading changes nothing.
        Assert.Equal((200, ""), await AskAsync(certificate));
        using var chosen = new HttpRequestMessage(HttpMethod.Post, new Uri(api.Rest, "/v1/virtual-routers/nowhere:join-token")) { Headers = { Authorization = new("Bearer", api.AdminToken) } };
        if (origin is not null) chosen.Headers.TryAddWithoutValidation("Origin", origin);
        using var missing = await client.SendAsync(chosen, Token);
        Assert.Equal(404, (int)missing.StatusCode);

        async Task<int> StatusAsync(Uri uri)
        {
            using var answer = await client.GetAsync(uri, Token);
            return (int)answer.StatusCode;
        }
    }

    [Fact]
    public async Task The_handshake_names_the_roots_so_that_a_browser_offers_no_other_certificates()
    {
        string[] named = [];
        using var handler = api.Trusting();
        handler.SslOptions.ClientCertificates = [];
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, issuers) =>
        {
            if (issuers.Length > 0) named = issuers;
            return null!;
        };
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri(api.Rest, "/livez"), Token);
        Assert.Equal(["CN=Clients"], named);
    }

    [Fact]
    public async Task Without_a_certificate_the_ports_are_reachable_and_ask_for_a_token()
    {
        Assert.Equal((401, "Bearer realm=\"CN2\""), await AskAsync(null));
        Assert.Equal((200, ""), await AskAsync(null, token: api.AdminToken));
        Assert.Equal((CallerKind.Token, "admin"), (api.Last!.Kind, api.Last.Name));
    }

    [Fact]
    public async Task A_bearer_token_counts_before_a_certificate()
    {
        using var certificate = api.Clients.Issue("CN=alice");
        Assert.Equal(200, (await AskAsync(certificate, token: api.AdminToken)).Status);
        Assert.Equal((CallerKind.Token, "admin"), (api.Last!.Kind, api.Last.Name));
        Assert.Equal((401, "Bearer realm=\"CN2\", error=\"invalid_token\", error_description=\"the token is unknown or was revoked\""), await AskAsync(certificate, token: TokenSecret.New()));
    }

    [Fact]
    public async Task Other_roots_in_the_file_count_without_a_restart_also_on_open_connections()
    {
        using var next = new ClientAuthority("Next");
        using var certificate = api.Clients.Issue("CN=alice");
        using var renewed = next.Issue("CN=alice");
        using var open = api.Connect(certificate);
        async Task<int> OpenAsync()
        {
            using var answer = await open.GetAsync(new Uri(api.Rest, "/v1/namespaces"), Token);
            return (int)answer.StatusCode;
        }

        Assert.Equal(200, await OpenAsync());
        try
        {
            await File.WriteAllTextAsync(api.CaPath, next.Pem, Token);
            await Eventually.TrueAsync(async () => (await AskAsync(renewed)).Status == 200, "the new root counts");
            Assert.Equal(401, await OpenAsync());
            await File.WriteAllTextAsync(api.CaPath, "nonsense", Token);
            await Eventually.StaysAsync(() => AskAsync(renewed).GetAwaiter().GetResult().Status == 200, "a file that cannot be used keeps the roots before it", TimeSpan.FromSeconds(3));
        }
        finally
        {
            await File.WriteAllTextAsync(api.CaPath, api.Clients.Pem, Token);
            await Eventually.TrueAsync(async () => await OpenAsync() == 200, "the root of before counts again");
        }
    }

    /// <summary>Each on a connection of its own.</summary>
    private async Task<(int Status, string Challenge)> AskAsync(X509Certificate2? certificate, string version = "1.1", bool kubernetes = false, string? token = null)
    {
        using var client = api.Connect(certificate);
        using var request = new HttpRequestMessage(HttpMethod.Get, kubernetes ? new Uri(api.Kubernetes, "/api/v1/namespaces") : new Uri(api.Rest, "/v1/namespaces"))
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        using var answer = await client.SendAsync(request, Token);
        return ((int)answer.StatusCode, string.Join(", ", answer.Headers.WwwAuthenticate));
    }

    /// <summary>Both doors with TLS, which ask for a client certificate.</summary>
    public sealed class Server(PrivatePostgres postgres) : AskingServer(postgres)
    {
        private readonly TemporaryDirectory _directory = new("cn2-clients-");
        private readonly TestAuthority _authority = new();

        internal ClientAuthority Clients { get; } = new();

        public string CaPath => Named("clients.pem");

        protected override string[] Settings =>
        [
            .. base.Settings, "--Http:Url", "https://127.0.0.1:0", "--Kubernetes:Url", "https://127.0.0.1:0", "--Http:Certificate:Path", Named("server.pem"),
            "--Http:Certificate:KeyPath", Named("server.key"), "--Auth:ClientCa:Path", CaPath,
            "--Http:CorsOrigins:0", "https://portal.example",
        ];

        public HttpClient Connect(X509Certificate2? certificate)
        {
            var handler = Trusting();
            if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
            if (certificate is not null) handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
            return new HttpClient(handler);
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Clients.Dispose();
            _authority.Dispose();
            _directory.Dispose();
        }

        protected override HttpMessageHandler Handler() => Trusting();

        protected override async Task<string> DatabaseAsync()
        {
            var (certificate, key) = _authority.Issue();
            await File.WriteAllTextAsync(Named("server.pem"), certificate);
            await File.WriteAllTextAsync(Named("server.key"), key);
            await File.WriteAllTextAsync(CaPath, Clients.Pem);
            var database = await base.DatabaseAsync();
            await AllowAsync(database, "User", "alice");
            return database;
        }

        public SocketsHttpHandler Trusting()
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            policy.CustomTrustStore.Add(_authority.Root);
            return new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
        }

        private string Named(string name) => Path.Combine(_directory.Path, name);
    }
}
