using System.Net;
using System.Net.Sockets;
using System.Text;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Limiting;

/// <summary>A client that opens connections and never ends a request costs the others nothing, on either port.</summary>
public sealed class SlowClientTests(SlowClientTests.Server api) : IClassFixture<SlowClientTests.Server>
{
    private static readonly IPAddress Slow = IPAddress.Parse("127.0.0.2");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, "GET /v1/namespaces HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")]
    [InlineData(1, "PRI * HTTP/2.0\r\n")]
    public async Task Connections_beyond_those_of_a_caller_are_closed_and_others_are_served(int port, string begun)
    {
        var address = new Uri(api.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(port));
        var clients = new List<Socket>();
        try
        {
            for (var i = 0; i < 3 * Server.MostOfCaller; i++) clients.Add(await BeginAsync(address.Port, begun));
            // Those within the limit wait for the rest of the head; the others are closed at once.
            await Eventually.TrueAsync(() => clients.Count(IsClosed) >= 2 * Server.MostOfCaller, "what is too much is closed", seen: () => $"{clients.Count(IsClosed)} are closed");
            using var other = new HttpClient { BaseAddress = address, DefaultRequestVersion = port == 0 ? HttpVersion.Version11 : HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
            Assert.Equal(port == 0 ? HttpStatusCode.OK : HttpStatusCode.NotFound, (await other.GetAsync(port == 0 ? "/v1/namespaces" : "/nothing", Token)).StatusCode);
            if (port == 0) await Eventually.TrueAsync(() => clients.TrueForAll(IsClosed), "a head that does not end is not waited for", 60, () => $"{clients.Count(IsClosed)} are closed");
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    private static async Task<Socket> BeginAsync(int port, string begun)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(Slow, 0));
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes(begun), Token);
        }
        catch (SocketException)
        {
            // It is closed already.
        }

        return socket;
    }

    private static bool IsClosed(Socket socket)
    {
        try
        {
            if (!socket.Poll(0, SelectMode.SelectRead)) return false;
            // Read on to the end: a 408 may stand before it.
            return socket.Available == 0 || (socket.Receive(new byte[4096]) >= 0 && IsClosed(socket));
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>The server with few connections for each caller.</summary>
    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres)
    {
        public const int MostOfCaller = 10;

        protected override string[] Settings => ["--Connections:MostOfCaller", $"{MostOfCaller}", "--Connections:HeadSeconds", "1"];
    }
}
