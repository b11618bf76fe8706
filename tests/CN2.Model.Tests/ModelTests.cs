using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Invariants;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests;

/// <summary>
/// A seeded random stream of operations from several clients against the real processes, with processes killed and tables damaged in
/// the middle; after each pause everything must agree. CN2_MODEL_SECONDS: how long (default 50); CN2_MODEL_SEED: which stream
/// (default: fixed); CN2_MODEL_KEEP: keep the logs.
/// </summary>
[Collection("processes")] // one such world at a time
public sealed class ModelTests(ITestOutputHelper output)
{
    private const int ClientCount = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string[] BadWords = ["A round of the reconciler failed", "nhandled exception", "refused revision", "crit:"];

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Queue<string> _story = new();

    [Fact]
    public async Task After_any_sequence_of_requests_and_faults_all_parts_agree()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("CN2_MODEL_SECONDS") ?? "50", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("CN2_MODEL_SEED") ?? "20261123", CultureInfo.InvariantCulture);
        var repeat = $"repeat with: CN2_MODEL_SEED={seed} CN2_MODEL_SECONDS={seconds} dotnet test --project tests/CN2.Model.Tests";
        Tell($"seed {seed}, {seconds} s; {repeat}");
        await using var lab = new ModelLab();
        try
        {
            await RunAsync(lab, seed, TimeSpan.FromSeconds(seconds));
        }
        catch (Exception e)
        {
            Assert.Fail($"{(e is InvalidOperationException ? e.Message : e.ToString())}\n\nwhat happened:\n{string.Join('\n', _story)}\n\nthe API said last:\n{Tail(lab.Api.Log!)}\n\n{lab.Sessions()}\n\n{repeat}");
        }
    }

    private static string Tail(string file) => File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(30)) : "";

    private async Task RunAsync(ModelLab lab, int seed, TimeSpan length)
    {
        using var http = lab.OpenHttp();
        var api = new ApiClient(http);
        await SetUpAsync(api, seed);
        var tenant = new SecondTenant(api, Tell);
        await tenant.SetUpAsync();
        Tell("ready");
        var random = new Random(seed);
        var clients = Enumerable.Range(0, ClientCount).Select(i => new ModelClient(i, seed, api, lab)).ToList();
        await using var bad = new BadItems(lab, api, new Random(seed + 1), Tell);
        var end = _clock.Elapsed + length;
        for (var round = 0; round == 0 || _clock.Elapsed < end; round++)
        {
            var span = TimeSpan.FromSeconds(3 + (random.NextDouble() * 6));
            Tell($"round {round}: {span.TotalSeconds:0.0} s of operations");
            var until = DateTimeOffset.UtcNow + span;
            // The first round is quiet: what fails there needs no crash and no bad item. Every third has bad items alone: they cost nobody anything.
            var isQuiet = round == 0;
            var hasTrouble = !isQuiet && round % 3 != 1;
            await Task.WhenAll([
                .. clients.Select(c => c.RunAsync(until)),
                tenant.RunAsync(until, isBounded: !hasTrouble),
                hasTrouble ? new Trouble(lab, random, Tell).RunAsync(until) : Task.CompletedTask,
                isQuiet ? Task.CompletedTask : bad.RunAsync(until)]);
            // The bad items stay while everything else comes to rest.
            await RestAsync(lab, api, clients);
            if (bad.Faults.Count > 0) throw new InvalidOperationException(string.Join('\n', bad.Faults));
            await bad.RemoveAsync();
        }

        foreach (var (what, count) in api.Counts.OrderBy(c => c.Key, StringComparer.Ordinal)) output.WriteLine($"{count,6}  {what}");
    }

    private async Task SetUpAsync(ApiClient api, int seed)
    {
        var random = new Random(seed);
        await UntilAsync("the API is ready", async () => (await api.GetAsync("/readyz")).Accepted);
        foreach (var name in Playground.Namespaces.Append(Playground.NetworkNamespace))
        {
            await MustAsync(api.PutAsync($"/v1/namespaces/{name}", new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["zone"] = "x" } }));
            await MustAsync(api.PutAsync($"/v1/namespaces/{name}/service-health-checks/tcp", Playground.HealthCheck()));
        }

        foreach (var name in Playground.Networks) await MustAsync(api.PutAsync($"/v1/namespaces/{Playground.NetworkNamespace}/external-networks/{name}", Playground.Network(name, random)));
        await MustAsync(api.PutAsync("/v1/bgp-routers/router", new JsonObject { ["name"] = "router", ["address"] = ModelLab.RouterAddress, ["autonomousSystem"] = 64512, ["addressFamilies"] = new JsonArray("inet", "inet6") }));
        await UntilAsync("the vRouters are there", async () => (await api.ListAsync("virtual-routers")).Count == ModelLab.VirtualRouters.Length);
    }

    private static async Task MustAsync(Task<Reply> request)
    {
        var reply = await request;
        if (!reply.Accepted) throw new InvalidOperationException(reply.Text);
    }

    private async Task UntilAsync(string what, Func<Task<bool>> condition)
    {
        var began = _clock.Elapsed;
        while (!await condition())
        {
            if (_clock.Elapsed - began > Patience) throw new TimeoutException($"{what}: not within {Patience.TotalSeconds} s");
            await Task.Delay(100);
        }
    }

    /// <summary>Nobody asks for anything any more: within <see cref="Patience"/> everything agrees, and a moment later still does.</summary>
    private async Task RestAsync(ModelLab lab, ApiClient api, List<ModelClient> clients)
    {
        foreach (var daemon in lab.Agents.Values.Append(lab.Api).Append(lab.Gobgpd)) daemon.Start();
        var began = _clock.Elapsed;
        List<string> faults;
        while (true)
        {
            faults = await FaultsAsync(lab, api, clients);
            if (faults.Count == 0) break;
            if (_clock.Elapsed - began > Patience) throw new InvalidOperationException($"Not at rest after {Patience.TotalSeconds} s, {faults.Count} faults:\n{string.Join('\n', faults.Take(40))}");
            await Task.Delay(250);
        }

        var rest = _clock.Elapsed - began;
        await Task.Delay(1200);
        faults = await FaultsAsync(lab, api, clients);
        if (faults.Count > 0) throw new InvalidOperationException($"It was at rest after {rest.TotalSeconds:0.0} s and then moved:\n{string.Join('\n', faults.Take(40))}");
        foreach (var log in lab.Agents.Values.Append(lab.Api).Select(d => d.Log!))
        {
            var bad = File.ReadLines(log).Where(l => BadWords.Any(w => l.Contains(w, StringComparison.Ordinal))).Take(5).ToList();
            if (bad.Count > 0) throw new InvalidOperationException($"{Path.GetFileName(log)}: {string.Join('\n', bad)}\n{string.Join('\n', File.ReadLines(log).SkipWhile(l => !l.Contains(bad[0], StringComparison.Ordinal)).Take(25))}");
        }

        Tell($"at rest after {rest.TotalSeconds:0.0} s");
    }

    private static async Task<List<string>> FaultsAsync(ModelLab lab, ApiClient api, List<ModelClient> clients)
    {
        try
        {
            foreach (var client in clients) await client.LookAsync();
            // What must never be is no matter of patience.
            if (!api.Faults.IsEmpty) throw new InvalidOperationException($"{api.Faults.Count} answers that must not be:\n{string.Join('\n', api.Faults.Take(10))}");
            var reality = await Reality.ReadAsync(lab, api);
            var faults = Expectation.Faults(reality, lab);
            if (faults.Count > 0) File.WriteAllText(Path.Combine(lab.Directory, "reality.json"), JsonSerializer.Serialize(new { reality.Services, reality.FloatingIPs, reality.Interfaces, reality.Networks, reality.VirtualRouters }));
            faults.AddRange(clients.SelectMany(c => c.Services).Where(s => s.Unknown || s.Leaving).Select(s => $"{s.Path} is {(s.Leaving ? "still there after its deletion" : "not known")}"));
            return faults;
        }
        catch (IOException e)
        {
            return [e.Message];
        }
    }

    private void Tell(string text)
    {
        var line = $"{_clock.Elapsed.TotalSeconds,6:0.0}  {text}";
        lock (_story)
        {
            _story.Enqueue(line);
            if (_story.Count > 60) _story.Dequeue();
        }

        output.WriteLine(line);
    }
}
