using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Events;

public sealed class EventTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Events_of_a_resource_come_newest_first_and_in_pages()
    {
        await using (var db = await api.Services.GetRequiredService<IDbContextFactory<CN2DbContext>>().CreateDbContextAsync(TestContext.Current.CancellationToken))
        {
            var now = DateTimeOffset.UtcNow;
            EventRow Event(string service, string reason, DateTimeOffset at) => new()
            {
                Kind = ResourceKind.Service,
                Namespace = "ns1",
                Name = service,
                At = at,
                Type = "Normal",
                Reason = reason,
                Message = "It happened.",
            };
            db.Events.AddRange(
                Event("my-service", "Step1", now), Event("my-service", "Step2", now), Event("my-service", "Step3", now), Event("other", "Other", now),
                Event("old", "Old", now.AddHours(-25)));
            await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        var page = (await api.GetAsync("/v1/events?regarding=services/ns1/my-service&limit=2")).Expect(200).Json!;
        Assert.Equal(["Step3", "Step2"], page["items"]!.AsArray().Select(e => (string)e!["reason"]!));
        var rest = (await api.GetAsync($"/v1/events?regarding=services/ns1/my-service&limit=2&cursor={page["nextCursor"]}")).Expect(200).Json!;
        Assert.Equal(["Step1"], rest["items"]!.AsArray().Select(e => (string)e!["reason"]!));
        Assert.Null(rest["nextCursor"]);

        Assert.Single((await api.GetAsync("/v1/events?regarding=services/ns1/old")).Json!["items"]!.AsArray());
        await api.Services.GetRequiredService<Retention>().RunOnceAsync(TestContext.Current.CancellationToken);
        Assert.Empty((await api.GetAsync("/v1/events?regarding=services/ns1/old")).Json!["items"]!.AsArray());
    }

    [Fact]
    public async Task Of_one_resource_and_of_all_together_only_the_newest_events_are_kept()
    {
        var source = api.Services.GetRequiredService<Npgsql.NpgsqlDataSource>();
        await AddAsync("'many'", 5150);
        await AddAsync("'few'", 20);
        await api.Services.GetRequiredService<Retention>().RunOnceAsync(TestContext.Current.CancellationToken);
        var kept = await ReasonsAsync("services/ns1/many");
        Assert.Equal(Enumerable.Range(5051, 100).Reverse().Select(i => $"Step{i}"), kept);
        Assert.Equal(20, (await ReasonsAsync("services/ns1/few")).Length);

        await AddAsync("'one' || i", 1200);
        var retention = ActivatorUtilities.CreateInstance<Retention>(api.Services, new RetentionOptions { Events = 1000 });
        await retention.RunOnceAsync(TestContext.Current.CancellationToken);
        await using var count = source.CreateCommand("SELECT count(*) FROM event");
        Assert.Equal(1000L, await count.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await ReasonsAsync("services/ns1/one200"));
        Assert.Single(await ReasonsAsync("services/ns1/one201"));

        async Task AddAsync(string name, int number)
        {
            await using var command = source.CreateCommand(
                $"""
                INSERT INTO event (kind, namespace, name, at, type, reason, message)
                SELECT {(short)ResourceKind.Service}, 'ns1', {name}, now(), 'Normal', 'Step' || i, 'It happened.' FROM generate_series(1, {number}) i ORDER BY i
                """);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task The_events_of_a_pending_service_say_why_it_waits_and_when_it_is_served()
    {
        const string services = "/v1/namespaces/default/services";
        (await api.PostAsync($"{services}?dryRun=true", """{"name":"waits","externalNetwork":"to-come","ports":[{"port":80}]}""")).Expect(201);
        Assert.Empty(await ReasonsAsync("services/default/waits"));
        (await api.PostAsync(services, """{"name":"waits","externalNetwork":"to-come","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal(["NetworkNotFound"], await ReasonsAsync("services/default/waits"));
        (await api.PutAsync("/v1/namespaces/default/external-networks/to-come", """{"subnets":[{"cidr":"38.0.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        await Eventually.TrueAsync(async () => (await ReasonsAsync("services/default/waits")).Contains("Allocated"));
        Assert.Equal("NetworkNotFound", (await ReasonsAsync("services/default/waits"))[^1]);
    }

    [Fact]
    public async Task Nodes_that_connect_disconnect_or_are_lost_and_health_checks_leave_events()
    {
        var ct = TestContext.Current.CancellationToken;
        var store = api.Services.GetRequiredService<AgentReportStore>();
        var endpoints = api.Services.GetRequiredService<EndpointHealthStore>();
        var now = DateTimeOffset.UtcNow;
        await api.Services.GetRequiredService<ControlNodeStore>().BeatAsync(new("elsewhere", 120), null, [], ct); // else its agents are orphans
        await store.ConnectAsync(new VRouterHello("node1", System.Net.IPAddress.Parse("172.27.115.111"), null, "1.0"), "elsewhere", 10, now, ct);
        await store.SaveAsync("elsewhere", [new VirtualRouterProgress("node1", TimeSpan.Zero, 1, 1, null, "1.0", null)], ["node1"], ct);
        await store.DisconnectAsync("elsewhere", [new AgentEnd("node1", TimeSpan.Zero)], ct);
        await Eventually.TrueAsync(() => api.Services.GetRequiredService<HeldLease>().IsLeading);
        await store.MarkLostAsync(api.Services.GetRequiredService<HeldLease>().Current!.Value, TimeSpan.FromMinutes(1), new LossRule(TimeSpan.FromMinutes(-1), TimeSpan.Zero, TimeSpan.Zero, 0), [], ct);
        Assert.Equal(["Lost", "Disconnected", "Programmed", "Connected"], await ReasonsAsync("virtual-routers/node1"));

        var endpoint = (await api.PostAsync("/v1/namespaces/default/virtual-machine-interfaces", """{"name":"checked","addresses":["10.0.0.1"],"virtualRouter":"node1"}""")).Expect(201);
        var uid = (Guid)endpoint.Json!["uid"]!;
        await endpoints.SaveAsync([new EndpointHealthReport(uid, "node1", "Healthy", null)], now, ct);
        await endpoints.SaveAsync([new EndpointHealthReport(uid, "node1", "Unhealthy", "HTTP 500")], now, ct);
        await endpoints.SaveAsync([new EndpointHealthReport(uid, "node1", "Unhealthy", "HTTP 500")], now, ct);
        Assert.Equal(["Unhealthy", "Healthy"], await ReasonsAsync("virtual-machine-interfaces/default/checked"));
    }

    [Fact]
    public async Task A_BGP_session_that_comes_up_or_goes_down_leaves_an_event()
    {
        var ct = TestContext.Current.CancellationToken;
        (await api.PutAsync("/v1/bgp-routers/peer", """{"address":"172.27.115.245","autonomousSystem":64512}""")).Expect(201);
        var store = api.Services.GetRequiredService<ControlNodeStore>();
        foreach (var state in new[] { "Active", "Established", "Established", "Idle", "Active" })
        {
            var sessions = $$$"""{"peer":{"state":"{{{state}}}","lastError":null},"gone":{"state":"Established"}}""";
            await store.BeatAsync(new("elsewhere", 120), sessions, ["peer"], ct);
        }

        Assert.Equal(["SessionDown", "Established"], await ReasonsAsync("bgp-routers/peer"));
        Assert.Empty(await ReasonsAsync("bgp-routers/gone"));
    }

    private async Task<string[]> ReasonsAsync(string regarding) =>
        [.. (await api.GetAsync($"/v1/events?regarding={regarding}&limit=1000")).Expect(200).Json!["items"]!.AsArray().Select(e => (string)e!["reason"]!)];
}
