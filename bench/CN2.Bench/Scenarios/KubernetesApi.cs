using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>(h) The Kubernetes API next to /v1 of the same server and database, in turns: lists, single Services, watches, creates.</summary>
internal sealed class KubernetesApi(PrivateNetwork network, Report report, BenchOptions options)
{
    private const int Rounds = 5;
    private const int Services = 5000;
    private const int Watched = 200;
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    private static readonly int[] Clients = [1, 8, 32];
    private static readonly Door[] Doors = [Door.V1, Door.Kubernetes];

    public async Task RunAsync()
    {
        Progress.Step($"(h) the Kubernetes API: PostgreSQL, gobgpd, CN2.Api, {Services} Services");
        using var postgres = new ApiDatabase(network, "pg-kubernetes");
        using var engine = new BgpEngine(network);
        using var api = new ApiProcess(network, postgres.ConnectionString, ("Bgp__ListenPort", "-1"), ("Kubernetes__Url", Door.Kubernetes.Uri("").ToString()));
        await api.ReadyAsync();
        await api.AddExternalNetworkAsync();
        ServiceLoad.Create(8, Services, "listed");
        await api.QuietAsync();

        report.Heading("(h) The Kubernetes API");
        await ListAsync();
        Read();
        await WatchAsync();
        await CreateAsync(api);
    }

    private async Task ListAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(1) };
        (string What, Func<Task<long>> Read)[] lists =
        [
            ("/v1, pages of 1,000", () => PagesAsync(http)),
            ("Kubernetes, JSON", () => WholeAsync(http, "application/json")),
            ("Kubernetes, Table", () => WholeAsync(http, Table)),
        ];
        var runs = lists.ToDictionary(l => l.What, _ => new List<(double Milliseconds, double Bytes)>());
        for (var round = -2; round < Rounds; round++)
        {
            Progress.Step($"(h) lists of {Services} Services, round {round + 1} of {Rounds}");
            foreach (var (what, read) in lists)
            {
                var began = Stopwatch.GetTimestamp();
                var bytes = await read();
                if (round >= 0) runs[what].Add((Stopwatch.GetElapsedTime(began).TotalMilliseconds, bytes));
            }
        }

        var reference = runs[lists[0].What].Median(r => r.Milliseconds);
        report.Table(["list of 5,000 Services", "ms", "of /v1", "MiB"], runs.Select(r => new object[]
            { r.Key, r.Value.Median(x => x.Milliseconds), r.Value.Median(x => x.Milliseconds) / reference, r.Value.Median(x => x.Bytes) / 1024 / 1024 }));
        report.Text($"Until the last byte is read, one client, medians of {Rounds} in turns after two to warm up. kubectl asks for the Table, in pages of 500; here it is one answer.");
        foreach (var (what, _) in lists[1..]) report.Add(Aim.Under($"(h) list of 5,000 Services: {what}", 60, runs[what].Median(r => r.Milliseconds), " ms"));
    }

    private void Read()
    {
        var rates = Doors.ToDictionary(d => d, _ => new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            Progress.Step($"(h) one Service at a time, round {round + 1} of {Rounds}");
            foreach (var door in Doors)
            {
                using var line = new HttpLine(door.Server);
                var (count, clock) = (0, Stopwatch.StartNew());
                for (; clock.Elapsed < options.LoadTime / 2; count++)
                {
                    var path = $"{door.Collection}/listed-{count % Services}";
                    if (line.Get(path) != 200) throw new InvalidOperationException($"GET {path}: {Encoding.UTF8.GetString(line.Body)}");
                }

                rates[door].Add(count / clock.Elapsed.TotalSeconds);
            }
        }

        Tell("Service reads a second, one client", rates);
    }

    private async Task WatchAsync()
    {
        Progress.Step($"(h) {Watched} creates seen by a watch of each API");
        await using var v1 = await WatchLine.OpenAsync(Door.V1.Uri("/v1/watch?kinds=services&namespace=default"), "event: synced");
        using var http = new HttpClient();
        var version = JsonNode.Parse(await http.GetStringAsync(Door.Kubernetes.Uri(Door.Kubernetes.Collection + "?limit=1")))!["metadata"]!["resourceVersion"];
        await using var kubernetes = await WatchLine.OpenAsync(Door.Kubernetes.Uri($"{Door.Kubernetes.Collection}?watch=true&resourceVersion={version}"), null);
        var times = Doors.ToDictionary(d => d, _ => new List<double>());
        using var line = ServiceLoad.Connect();
        for (var i = 0; i < Watched; i++)
        {
            var name = $"{WatchLine.Prefix}{i}";
            var began = Stopwatch.GetTimestamp();
            ServiceLoad.One(line, name, "nobody");
            times[Door.V1].Add(Stopwatch.GetElapsedTime(began, await v1.SeenAsync(name)).TotalMilliseconds);
            times[Door.Kubernetes].Add(Stopwatch.GetElapsedTime(began, await kubernetes.SeenAsync(name)).TotalMilliseconds);
        }

        var latencies = times.ToDictionary(t => t.Key, t => new Latencies(t.Value));
        report.Table(["from POST to the event", "p50 ms", "p99 ms", "p50, of /v1"], latencies.Select(l => new object[] { l.Key.Name, l.Value.P50, l.Value.P99, l.Value.P50 / latencies[Door.V1].P50 }));
        report.Text($"{Watched} creates through /v1, one after the other; both watches see each of them.");
    }

    private async Task CreateAsync(ApiProcess api)
    {
        foreach (var door in Doors) ServiceLoad.For(8, options.WarmUp / 2, $"warm{door.Port}", door);
        foreach (var clients in Clients)
        {
            var rates = Doors.ToDictionary(d => d, _ => new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                Progress.Step($"(h) creates, {clients} clients, round {round + 1} of {Rounds}");
                foreach (var door in Doors)
                {
                    rates[door].Add(ServiceLoad.For(clients, options.LoadTime, $"c{clients}r{round}p{door.Port}", door).Rate);
                    await api.QuietAsync();
                }
            }

            Tell($"creates a second, {clients} client(s)", rates);
            report.Add(Aim.AtLeast($"(h) creates a second next to /v1, {clients} client(s)", 0.7, rates[Door.Kubernetes].Median(r => r) / rates[Door.V1].Median(r => r), ""));
        }
    }

    private void Tell(string what, Dictionary<Door, List<double>> rates) => report.Table(["", .. Doors.Select(d => d.Name), "ratio"],
        [[what, rates[Door.V1].Median(r => r), rates[Door.Kubernetes].Median(r => r), rates[Door.Kubernetes].Median(r => r) / rates[Door.V1].Median(r => r)]]);

    private static async Task<long> WholeAsync(HttpClient http, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Door.Kubernetes.Uri(Door.Kubernetes.Collection));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadAsByteArrayAsync()).Length;
    }

    private static async Task<long> PagesAsync(HttpClient http)
    {
        var (bytes, cursor) = (0L, "");
        do
        {
            var page = await http.GetByteArrayAsync(Door.V1.Uri($"{Door.V1.Collection}?limit=1000{(cursor.Length > 0 ? $"&cursor={Uri.EscapeDataString(cursor)}" : "")}"));
            bytes += page.Length;
            cursor = ValueOf(page, "\"nextCursor\":\""u8);
        }
        while (cursor.Length > 0);
        return bytes;
    }

    /// <summary>The text after the last such mark, up to the quotation mark; empty when there is none.</summary>
    private static string ValueOf(ReadOnlySpan<byte> json, ReadOnlySpan<byte> mark)
    {
        var at = json.LastIndexOf(mark);
        if (at < 0) return "";
        var rest = json[(at + mark.Length)..];
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)'"')]);
    }
}
