using System.Net;
using System.Net.Sockets;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Transport;

/// <summary>Real connections from several loopback addresses: 127.0.0.2 is a proxy, the others are none.</summary>
public sealed class KnownProxyTests(KnownProxyTests.Server api) : IClassFixture<KnownProxyTests.Server>
{
    private const string Proxy = "127.0.0.2";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_caller_that_a_proxy_names_is_the_one_that_is_limited()
    {
        Assert.Contains(429, await ManyAsync(Proxy, "198.51.100.1"));
        Assert.DoesNotContain(429, await ManyAsync(Proxy, "198.51.100.2", count: 2));
        // What the caller itself wrote into the header stands before what the proxy added.
        Assert.Contains(429, await ManyAsync(Proxy, "127.0.0.1, 198.51.100.3"));
        Assert.Contains(429, await ManyAsync(Proxy, "198.51.100.4, 127.0.0.9")); // a second proxy of the prefix
    }

    [Fact]
    public async Task Who_is_no_proxy_is_believed_nothing()
    {
        // Loopback has no rate; believed, it would be 198.51.100.5, which has one.
        Assert.DoesNotContain(429, await ManyAsync("127.0.0.1", "198.51.100.5"));
        using var http = From("127.0.0.1");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/namespaces");
        foreach (var (name, value) in ((string, string)[])[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "198.51.100.6")]) request.Headers.Add(name, value);
        using var answer = await http.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode); // its host is the one of Host
        Assert.False(answer.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public async Task Scheme_and_host_are_those_that_the_proxy_names()
    {
        using var http = From(Proxy);
        foreach (var (host, status) in ((string, HttpStatusCode)[])[("cn2.example", HttpStatusCode.OK), ("evil.example", HttpStatusCode.BadRequest)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/namespaces");
            foreach (var (name, value) in ((string, string)[])[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", host), ("X-Forwarded-For", "198.51.100.7")]) request.Headers.Add(name, value);
            using var answer = await http.SendAsync(request, Token);
            Assert.Equal((status, true), (answer.StatusCode, answer.Headers.Contains("Strict-Transport-Security")));
        }
    }

    [Fact]
    public async Task A_proxy_has_more_connections_than_a_caller()
    {
        var proxied = await HoldAsync(Proxy);
        var direct = await HoldAsync("127.0.0.77");
        try
        {
            await Eventually.TrueAsync(() => direct.Count(IsClosed) == Server.MostOfCaller, "those of a caller are limited", seen: () => $"{direct.Count(IsClosed)}");
            Assert.Equal(0, proxied.Count(IsClosed));
        }
        finally
        {
            proxied.ForEach(c => c.Dispose());
            direct.ForEach(c => c.Dispose());
        }
    }

    private static bool IsClosed(Socket socket) => !socket.Connected || socket.Poll(0, SelectMode.SelectRead);

    private async Task<List<Socket>> HoldAsync(string source)
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < 2 * Server.MostOfCaller; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
            sockets.Add(socket);
            try
            {
                await socket.ConnectAsync(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port, Token);
            }
            catch (SocketException)
            {
                // Closed before the client knew that it was connected.
            }
        }

        return sockets;
    }

    private async Task<List<int>> ManyAsync(string source, string forwardedFor, int count = 4 * Server.PerSecond)
    {
        using var http = From(source);
        var statuses = new List<int>();
        for (var i = 0; i < count; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/namespaces");
            request.Headers.Add("X-Forwarded-For", forwardedFor);
            using var answer = await http.SendAsync(request, Token);
            statuses.Add((int)answer.StatusCode);
        }

        return statuses;
    }

    private HttpClient From(string source) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = api.Client.BaseAddress };

    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres)
    {
        public const int PerSecond = 5;
        public const int MostOfCaller = 10;

        protected override string[] Settings =>
        [
            "--Http:KnownProxies:0", Proxy, "--Http:KnownProxies:1", "127.0.0.8/31", "--RateLimit:PerSecond", $"{PerSecond}", "--AllowedHosts", "cn2.example",
            "--Connections:MostOfCaller", $"{MostOfCaller}",
        ];
    }
}
