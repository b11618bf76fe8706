using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Each task of the leader does its work in the database and answers the loop with one event.</summary>
public sealed class LeaderTasksTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    [Fact]
    public async Task A_finished_deletion_removes_the_rows_and_an_unfinished_one_leaves_them()
    {
        var uid = await ServiceAsync("done");
        var alive = await ServiceAsync("alive");
        await MarkDeletedAsync(uid);
        var batch = new DeletionBatch([uid, alive], []);
        Tasks.Finish(batch, await LeaseAsync());
        Assert.Same(batch, Assert.IsType<LeaderEvent.DeletionsTried>(await NextAsync()).Batch);
        (await api.GetAsync("/v1/namespaces/default/services/done")).Expect(404);
        (await api.GetAsync("/v1/namespaces/default/services/alive")).Expect(200);
    }

    [Fact]
    public async Task A_replica_that_has_lost_the_lease_finishes_no_deletion()
    {
        var uid = await ServiceAsync("kept");
        await MarkDeletedAsync(uid);
        var batch = new DeletionBatch([uid], []);
        Tasks.Finish(batch, (await LeaseAsync()) with { Fence = -1 });
        Assert.IsType<LeaderEvent.DeletionsTried>(await NextAsync());
        (await api.GetAsync("/v1/namespaces/default/services/kept")).Expect(200);
        Tasks.Finish(batch, await LeaseAsync());
        Assert.IsType<LeaderEvent.DeletionsTried>(await NextAsync());
        (await api.GetAsync("/v1/namespaces/default/services/kept")).Expect(404);
    }

    [Fact]
    public async Task A_pending_service_is_served_when_a_network_has_room()
    {
        var uid = await ServiceAsync("pending", ""","type":"LoadBalancer","externalNetwork":"late" """);
        (await api.PutAsync("/v1/namespaces/default/external-networks/late", """{"subnets":[{"cidr":"101.7.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        Tasks.Serve(new PendingBatch([uid], []));
        Assert.IsType<LeaderEvent.PendingServicesTried>(await NextAsync());
        Assert.Equal("101.7.0.2", (string?)(await api.GetAsync("/v1/namespaces/default/services/pending")).Json!["status"]!["externalIPs"]![0]);
    }

    [Fact]
    public async Task Marking_lost_vRouters_ends_with_an_event()
    {
        Tasks.MarkLost(TimeSpan.FromSeconds(10), [], await LeaseAsync());
        Assert.IsType<LeaderEvent.LostMarked>(await NextAsync());
    }

    private LeaderTasks Tasks => api.Services.GetRequiredService<LeaderTasks>();

    /// <summary>A valid lease.</summary>
    private async Task<LeaderLease> LeaseAsync()
    {
        await api.Services.GetRequiredService<Leadership>().StepAsync(CancellationToken.None);
        return api.Services.GetRequiredService<HeldLease>().Current!.Value;
    }

    private async Task<LoopEvent> NextAsync()
    {
        LoopEvent? loopEvent = null;
        await Eventually.TrueAsync(() => api.Services.GetRequiredService<LoopInbox>().TryTake(out loopEvent) && loopEvent is not LeaderEvent.LeadershipChanged, seconds: 30);
        return loopEvent!;
    }

    private async Task<Guid> ServiceAsync(string name, string more = ""","type":"ClusterIP" """) =>
        (Guid)(await api.PostAsync("/v1/namespaces/default/services", $$"""{"name":"{{name}}","ports":[{"port":80}]{{more}}}""")).Expect(201).Json!["uid"]!;

    private async Task MarkDeletedAsync(Guid uid)
    {
        await using var command = api.Services.GetRequiredService<Npgsql.NpgsqlDataSource>().CreateCommand("UPDATE service SET deleting_at = now() WHERE uid = $1");
        command.Parameters.Add(new() { Value = uid });
        await command.ExecuteNonQueryAsync();
    }
}
