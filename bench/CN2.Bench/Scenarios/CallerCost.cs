using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// Part of (i): creates a second when nobody is asked, with an API token, and with JWTs. Three servers, all started and warm, of which one has work at a
/// time: a restart between the modes would measure the compiler.
/// </summary>
internal sealed class CallerCost(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private const int Rounds = 5;
    private const string User = "bench";
    private static readonly int[] Clients = [1, 8, 32];

    public async Task RunAsync()
    {
        using var issuer = new TokenIssuer(network.Directory);
        var modes = new List<Mode>();
        try
        {
            Progress.Step($"(i) three servers: without callers, with API tokens, with JWTs");
            modes.Add(await StartAsync("none", 8080, "none"));
            modes.Add(await StartAsync("API token", 8090, "required"));
            modes.Add(await StartAsync("JWT", 8100, "required", issuer.Settings));
            await modes[2].Api.SendAsync(HttpMethod.Post, "/v1/role-bindings", $$"""{"name":"users","subjects":[{"kind":"User","name":"{{User}}"}],"role":"admin","namespaces":["*"]}""");
            // A JWT of its own for each client, as callers have.
            modes[2] = modes[2] with { Door = modes[2].Door with { Bearers = [.. Enumerable.Range(0, Clients.Max()).Select(_ => issuer.TokenOf(User))] } };
            Tell(await MeasureAsync(modes));
        }
        finally
        {
            foreach (var mode in modes) mode.Api.Dispose();
        }
    }

    private async Task<Mode> StartAsync(string name, int port, string mode, params (string, string)[] settings)
    {
        var api = new ApiProcess(network, postgres.Copy($"caller_{port}"),
            [.. Identity.Settings, ("Http__Url", $"http://127.0.0.1:{port}"), ("Grpc__Url", $"http://127.0.0.1:{port + 1}"), ("Auth__Mode", mode), .. settings]);
        await api.ReadyAsync();
        var door = Door.V1 with { Port = port };
        if (mode != "none")
        {
            var token = api.CreateToken("bench");
            api.Bearer = token;
            door = door with { Bearers = [token] };
        }

        return new Mode(name, api, door);
    }

    private async Task<Dictionary<(Mode Mode, int Clients), List<Round>>> MeasureAsync(List<Mode> modes)
    {
        foreach (var mode in modes)
        {
            Progress.Step($"(i) {mode.Name}: warming up");
            ServiceLoad.For(8, options.WarmUp / 2, "warm", mode.Door);
            await mode.Api.QuietAsync();
        }

        var runs = modes.SelectMany(m => Clients.Select(c => (m, c))).ToDictionary(k => k, _ => new List<Round>());
        for (var round = 0; round < Rounds; round++)
        {
            Progress.Step($"(i) creates by callers, round {round + 1} of {Rounds}");
            foreach (var clients in Clients)
            {
                foreach (var turn in Enumerable.Range(round, modes.Count))
                {
                    var mode = modes[turn % modes.Count];
                    var before = mode.Api.ProcessorTime;
                    var load = ServiceLoad.For(clients, options.LoadTime / 4, $"r{round}c{clients}", mode.Door);
                    await mode.Api.QuietAsync(still: 0.5);
                    runs[(mode, clients)].Add(new Round(load, (mode.Api.ProcessorTime - before).TotalMicroseconds / load.Created));
                }
            }
        }

        return runs;
    }

    private void Tell(Dictionary<(Mode Mode, int Clients), List<Round>> runs)
    {
        var modes = runs.Keys.Select(k => k.Mode).Distinct().ToList();
        report.Table(["clients", "caller", "creates/s", "of none", "p50 ms", "p99 ms", "CPU API µs"], Clients.SelectMany(c => modes.Select(m => new object[]
        {
            c, m.Name, runs[(m, c)].Median(r => r.Load.Rate), Ratio(m, c), runs[(m, c)].Median(r => r.Load.Latencies.P50), runs[(m, c)].Median(r => r.Load.Latencies.P99),
            runs[(m, c)].Median(r => r.ApiMicroseconds),
        })));
        report.Text($"Service creates: Auth__Mode none; required, all clients with one API token; required, each client with a JWT of its own (RS256, RSA of 2048 bits, keys from a JWKS file). A JWT is checked when it comes first, and remembered. Medians of {Rounds} rounds of {options.LoadTime.TotalSeconds / 4} s in turns; the ratio is that of one round.");
        foreach (var mode in modes.Skip(1))
        {
            foreach (var clients in Clients) report.Add(Aim.AtLeast($"(i) creates a second by {mode.Name} next to those without callers, {clients} client(s)", 0.95, Ratio(mode, clients), ""));
        }

        double Ratio(Mode mode, int clients) => runs[(mode, clients)].Zip(runs[(modes[0], clients)], (own, reference) => own.Load.Rate / reference.Load.Rate).ToList().Median(x => x);
    }

    private sealed record Mode(string Name, ApiProcess Api, Door Door);

    private sealed record Round(LoadResult Load, double ApiMicroseconds);
}
