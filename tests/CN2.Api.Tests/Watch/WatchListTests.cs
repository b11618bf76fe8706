using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Watch;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Watch;

/// <summary>The first list of a watch is read in many pages, each of another snapshot, while resources come, change and go.</summary>
public sealed class WatchListTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Hc = "/v1/namespaces/default/service-health-checks";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_list_of_many_snapshots_and_the_changes_after_it_make_the_present_state_and_nothing_comes_twice()
    {
        api.Services.GetRequiredService<WatchedKinds>().PageSize = 3;
        for (var i = 0; i < 40; i++) (await api.PutAsync($"{Hc}/kept-{i}", """{"monitorType":"PING"}""")).Expect(201);
        using var writing = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writers = Enumerable.Range(0, 3).Select(w => WriteAsync(w, writing.Token)).ToList();
        var views = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => WatchAsync(writing, rounds: 12)));
        await Task.WhenAll(writers);
        Assert.True(views.Sum(v => v) > 12 * 40, $"{views.Sum(v => v)} resources were listed");
    }

    /// <summary>Creates, changes and deletes, with names that come again.</summary>
    private async Task WriteAsync(int writer, CancellationToken stop)
    {
        var random = new Random(writer);
        while (!stop.IsCancellationRequested)
        {
            var name = $"{Hc}/moving-{writer}-{random.Next(8)}";
            if (random.Next(3) == 0) await api.DeleteAsync(name);
            else await api.PutAsync(name, $$"""{"monitorType":"PING","delay":{{random.Next(1, 100)}}}""");
        }
    }

    /// <summary>Keeps a view by the events; the last of the watchers to be synced stops the writers. Answers how many resources the list had.</summary>
    private async Task<int> WatchAsync(CancellationTokenSource writing, int rounds)
    {
        // The other client would go on reading a stream that is no longer wanted for two seconds, and keep its place among the watches.
        using var client = new HttpClient(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = api.Client.BaseAddress };
        var listed = 0;
        for (var round = 0; round < rounds; round++)
        {
            using var response = await client.GetAsync("/v1/watch?kinds=service-health-checks", HttpCompletionOption.ResponseHeadersRead, Token);
            Assert.True(response.IsSuccessStatusCode, $"round {round}: {(int)response.StatusCode} {(response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync(Token))}");
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
            var view = new Dictionary<string, JsonNode>();
            var synced = false;
            var last = round == rounds - 1;
            var waiting = System.Diagnostics.Stopwatch.StartNew();
            if (last) await writing.CancelAsync();
            while (true)
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
                limit.CancelAfter(Patience.Seconds(30));
                var (name, data) = await NextAsync(reader, limit.Token);
                if (name == "synced")
                {
                    listed += view.Count;
                    Assert.True(Enumerable.Range(0, 40).All(i => view.Values.Any(v => (string?)v["name"] == $"kept-{i}")), "synced before everything was listed");
                    synced = true;
                }
                else if (name.Length > 0)
                {
                    var resource = JsonNode.Parse(data)!;
                    var uid = (string)resource["uid"]!;
                    if (name == "added") Assert.True(view.TryAdd(uid, resource), $"{resource["name"]} was added twice");
                    else if (name == "deleted") view.Remove(uid);
                    else
                    {
                        Assert.True(view.TryGetValue(uid, out var before) && (long)before["generation"]! <= (long)resource["generation"]!, $"{resource["name"]} changed before it was added, or went back");
                        view[uid] = resource;
                    }
                }

                if (!synced) continue;
                if (!last) break;
                if (await DifferenceAsync(view) is not { } difference) return listed;
                Assert.True(waiting.Elapsed < Patience.Seconds(60), difference);
            }
        }

        return listed;
    }

    /// <summary>What the view has otherwise than the collection; null: nothing.</summary>
    private async Task<string?> DifferenceAsync(Dictionary<string, JsonNode> view)
    {
        var items = (await api.GetAsync($"{Hc}?limit=1000")).Expect(200).Json!["items"]!.AsArray();
        foreach (var item in items)
        {
            if (!view.TryGetValue((string)item!["uid"]!, out var seen)) return $"never came: {item}";
            if (!JsonNode.DeepEquals(seen, item)) return $"is {item}, but came as {seen}";
        }

        return items.Count == view.Count ? null : $"{view.Count} instead of {items.Count} resources";
    }

    private static async Task<(string Name, string Data)> NextAsync(StreamReader reader, CancellationToken limit)
    {
        var (name, data) = ("", "");
        while (await reader.ReadLineAsync(limit) is var line && line?.Length != 0)
        {
            Assert.True(line is not null, $"the stream has ended after {name} {data}");
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
        }

        return (name, data);
    }
}
