using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Api.Services;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

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
    public async Task A_service_that_cannot_be_served_stops_no_other()
    {
        var broken = await ServiceAsync("broken", ""","type":"LoadBalancer","externalNetwork":"later" """);
        var uid = await ServiceAsync("whole", ""","type":"LoadBalancer","externalNetwork":"later" """);
        (await api.PutAsync("/v1/namespaces/default/external-networks/later", """{"subnets":[{"cidr":"101.8.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        await ExecuteAsync("""UPDATE service SET spec = spec || '{"ports": "unreadable"}' WHERE uid = $1""", broken);
        Tasks.Serve(new PendingBatch([broken, uid], []));
        Assert.IsType<LeaderEvent.PendingServicesTried>(await NextAsync());
        Assert.Equal("101.8.0.2", (string?)(await api.GetAsync("/v1/namespaces/default/services/whole")).Json!["status"]!["externalIPs"]![0]);
        await ExecuteAsync("""UPDATE service SET spec = spec || '{"ports": []}' WHERE uid = $1""", broken);
    }

    [Fact]
    public async Task A_deletion_that_cannot_be_finished_stops_no_other()
    {
        var broken = await ServiceAsync("stuck");
        var uid = await ServiceAsync("leaves");
        await MarkDeletedAsync(broken);
        await MarkDeletedAsync(uid);
        await ExecuteAsync("CREATE TABLE holds (uid uuid REFERENCES service)", null);
        await ExecuteAsync("INSERT INTO holds VALUES ($1)", broken);
        var batch = new DeletionBatch([broken, uid], []);
        Tasks.Finish(batch, await LeaseAsync());
        Assert.IsType<LeaderEvent.DeletionsTried>(await NextAsync());
        (await api.GetAsync("/v1/namespaces/default/services/leaves")).Expect(404);
        (await api.GetAsync("/v1/namespaces/default/services/stuck")).Expect(200);
        await ExecuteAsync("DROP TABLE holds", null);
    }

    [Fact]
    public async Task Marking_lost_vRouters_ends_with_an_event()
    {
        Tasks.MarkLost(new LossRule(TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromSeconds(10), 0), [], await LeaseAsync());
        Assert.IsType<LeaderEvent.LostMarked>(await NextAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_hangs_is_one_line_and_a_bug_is_logged_with_its_stack(bool hangs)
    {
        using var log = new RecordedLog();
        using var logging = LoggerFactory.Create(b => b.AddProvider(log));
        var tasks = new LeaderTasks(
            new FailingLifecycle(hangs ? new Npgsql.NpgsqlException("Exception while reading from stream", new TimeoutException("Timeout during reading attempt")) : new InvalidCastException("A bug")),
            api.Services.GetRequiredService<AgentStores>(), api.Services.GetRequiredService<ReconcileCounters>(),
            api.Services.GetRequiredService<LoopInbox>(), TimeProvider.System, logging.CreateLogger<LeaderTasks>());
        tasks.Serve(new PendingBatch([Guid.NewGuid()], []));
        Assert.IsType<LeaderEvent.PendingServicesTried>(await NextAsync());
        var (_, text, exception) = Assert.Single(log.Lines);
        Assert.StartsWith("Serving pending Services had to be put off", text, StringComparison.Ordinal);
        Assert.Equal(hangs, exception is null);
        Assert.Equal(hangs, text.EndsWith("Timeout during reading attempt", StringComparison.Ordinal));
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

    private Task MarkDeletedAsync(Guid uid) => ExecuteAsync("UPDATE service SET deleting_at = now() WHERE uid = $1", uid);

    private async Task ExecuteAsync(string sql, Guid? uid)
    {
        await using var command = api.Services.GetRequiredService<Npgsql.NpgsqlDataSource>().CreateCommand(sql);
        if (uid is not null) command.Parameters.Add(new() { Value = uid });
        await command.ExecuteNonQueryAsync();
    }

    private sealed class FailingLifecycle(Exception fault) : IServiceLifecycle
    {
        public Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct) => throw fault;

        public Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct) => throw fault;

        public Task<int> FinalizeAsync(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct, LeaderLease? lease = null) => throw fault;
    }
}
