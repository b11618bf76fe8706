using System.Text.Json;
using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a change costs is what it touches, and what does not change is not written.</summary>
public sealed class ChangeCostTests(PrivatePostgres postgres)
{
    private const string IsReady = """jsonb_path_exists(document, '$.conditions[*] ? (@.type == "Ready" && @.reason == "Ready")')""";

    [Fact]
    public async Task A_change_of_one_endpoint_among_two_thousand_services_touches_only_its_own()
    {
        const int count = 2000;
        await using var plane = await ControlPlane.StartAsync(postgres, "--ServiceNetwork:V4", "10.128.0.0/16");
        (await plane.Api.PutAsync("/v1/namespaces/default/external-networks/big", """{"subnets":[{"cidr":"101.0.0.0/16"}],"fabricForwarding":true}""")).Expect(201);
        for (var from = 0; from < count; from += 500)
        {
            var items = Enumerable.Range(from, 500).Select(i => new { name = $"pod{i}", labels = new { app = $"app{i}" }, addresses = new[] { $"10.1.{i / 250}.{(i % 250) + 1}" }, virtualRouter = i % 2 == 0 ? "compute1" : "compute2" });
            (await plane.Api.PostAsync("/v1/namespaces/default/virtual-machine-interfaces:batch", JsonSerializer.Serialize(new { items }))).Expect(200);
        }

        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            (await plane.Api.PostAsync("/v1/namespaces/default/services", $$"""{"name":"s{{i}}","selector":{"app":"app{{i}}"},"externalNetwork":"big","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}""")).Expect(201));
        await ControlPlane.UntilAsync(() => plane.Api.Speaker.Paths.Count == count, 60);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>($"SELECT count(*) FROM service_status WHERE {IsReady}") == count, "every Service is ready", 60);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>($"SELECT count(*) FROM floating_ip_status WHERE {IsReady}") == 2 * count, "every FloatingIP is ready", 60);

        // Statuses are written in order: once that of a later Service is there, the creations leave nothing to be written.
        await plane.LetAnotherServiceBeProgrammedAsync();
        await plane.LetAChangePassAsync(plane.Api);
        var rows = await plane.QueryAsync<long>("SELECT max(id) FROM change");
        var (sent, messages, paths) = (plane.Api.Agents.Counters.NatEntriesSent, plane.Api.Agents.Counters.Deltas, plane.Api.Speaker.Counters);
        var service = (await plane.Api.GetAsync(ControlPlane.Path("s7"))).Json!;
        var since = Since(service);
        var address = (string)service["status"]!["externalIPs"]![0]!;
        (await plane.Api.PatchAsync("/v1/namespaces/default/virtual-machine-interfaces/pod7", """{"virtualRouter":"compute1"}""")).Expect(200);
        await ControlPlane.UntilAsync(() => plane.Api.Speaker.Counters.PathsWithdrawn == paths.PathsWithdrawn + 1);
        await plane.UntilReadyAsync("s7");
        await ControlPlane.UntilAsync(() => plane.Compute2.Entries(address).Single().Inside.Count == 1);
        await plane.LetAChangePassAsync(plane.Api);
        Assert.Equal(paths.PathsAdded + 1, plane.Api.Speaker.Counters.PathsAdded);
        // The cluster IP on both, the external address up on one, and for callers inside alone on the other.
        Assert.InRange(plane.Api.Agents.Counters.NatEntriesSent - sent, 2, 4);
        Assert.InRange(plane.Api.Agents.Counters.Deltas - messages, 2, 4);
        var touched = await plane.QueryAsync<string>($"SELECT coalesce(string_agg(DISTINCT name, ','), '') FROM change WHERE id > {rows} AND kind = {(short)ResourceKind.Service}");
        Assert.True(touched is "s7" or "", touched);
        Assert.Equal(since, Since((await plane.Api.GetAsync(ControlPlane.Path("s7"))).Json!));

        // A put that changes nothing.
        rows = await plane.QueryAsync<long>("SELECT max(id) FROM change");
        var same = (await plane.Api.GetAsync(ControlPlane.Path("s7"))).Text;
        (await plane.Api.PutAsync(ControlPlane.Path("s7"), same)).Expect(200);
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Equal("passed4", await plane.QueryAsync<string>($"SELECT string_agg(DISTINCT name, ',') FROM change WHERE id > {rows} AND status_only AND kind = {(short)ResourceKind.Service}"));
    }

    private static string Since(JsonNode service) => Reply.Condition(service, "Allocated")!["lastTransitionTime"]!.ToString();
}
