using System.Net.Sockets;
using System.Text;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Watch;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Limiting;

/// <summary>Clients that ask for much and read nothing: they hold no connection to the database, and in the end none to the server.</summary>
public sealed class SlowReaderTests(SlowReaderTests.Server api) : IClassFixture<SlowReaderTests.Server>
{
    /// <summary>More than the buffers of both ends take.</summary>
    private const int Resources = 300;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_that_do_not_read_a_page_or_a_watch_cost_others_nothing_and_are_ended()
    {
        var text = new string('x', 15_000);
        for (var i = 0; i < Resources; i++)
            (await api.PostAsync("/v1/namespaces", $$$"""{"name":"large-{{{i}}}","annotations":{"a":"{{{text}}}","b":"{{{text}}}","c":"{{{text}}}","d":"{{{text}}}"}}""")).Expect(201);

        var slots = api.Services.GetRequiredService<WatchSlots>();
        var clients = new List<Socket>();
        try
        {
            for (var i = 0; i < 2 * Server.Pool; i++)
            {
                clients.Add(await AskAsync("/v1/watch"));
                clients.Add(await AskAsync("/v1/namespaces?limit=1000"));
            }

            await Eventually.TrueAsync(() => slots.Open == 2 * Server.Pool, "the watches are open", seen: () => $"{slots.Open}");
            // As many at once as the pool has connections: one that is held would be missing.
            for (var round = 0; round < 5; round++)
            {
                var replies = await Task.WhenAll(Enumerable.Range(0, Server.Pool).Select(_ => api.GetAsync("/v1/namespaces/default")));
                Assert.All(replies, r => r.Expect(200));
            }

            await Eventually.TrueAsync(() => slots.Open == 0, "the watches are ended", 60, () => $"{slots.Open}");
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task A_page_of_large_items_ends_early_and_its_cursor_goes_on()
    {
        var text = new string('y', 16_000);
        for (var i = 0; i < 150; i++)
            (await api.PostAsync("/v1/namespaces", $$$"""{"name":"paged-{{{i:000}}}","labels":{"set":"paged"},"annotations":{"a":"{{{text}}}","b":"{{{text}}}","c":"{{{text}}}"}}""")).Expect(201);
        var names = new List<string>();
        var pages = 0;
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"/v1/namespaces?limit=1000&labelSelector=set%3Dpaged{(cursor is null ? "" : $"&cursor={cursor}")}")).Expect(200);
            Assert.InRange(page.Text.Length, 1, Network.Resources.Limits.Page + 200_000);
            names.AddRange(page.Json!["items"]!.AsArray().Select(i => (string)i!["name"]!));
            cursor = (string?)page.Json["nextCursor"];
            pages++;
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(0, 150).Select(i => $"paged-{i:000}"), names);
        Assert.InRange(pages, 2, 4);
    }

    /// <summary>Sends a request and reads nothing of the answer.</summary>
    private async Task<Socket> AskAsync(string path)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port, Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Token);
        return socket;
    }

    /// <summary>The server with few connections to the database.</summary>
    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres)
    {
        public const int Pool = 6;

        protected override async Task<string> DatabaseAsync() => (await base.DatabaseAsync()).Replace("Maximum Pool Size=20", $"Maximum Pool Size={Pool}", StringComparison.Ordinal);
    }
}
