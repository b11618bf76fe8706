using Npgsql;

namespace CN2.Api.Tests.Fixtures;

/// <summary>The helper itself: what PostgreSQL does in the situations that other tests play.</summary>
public sealed class PostgresClusterTests
{
    private const string Identity = "SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint())";

    [Fact]
    public async Task A_client_behind_the_switch_reaches_the_promoted_standby_which_has_lost_what_it_did_not_receive()
    {
        using var cluster = new PostgresCluster();
        var first = cluster.Primary;
        first.Query("CREATE TABLE t(i int); INSERT INTO t VALUES (1)");
        var standby = cluster.AddStandby("second");
        first.WaitUntilFollowedBy(standby);
        standby.StopFollowing();
        first.Query("INSERT INTO t VALUES (2)");
        Assert.Equal(2, await CountAsync(cluster));

        first.Kill();
        standby.Promote();
        cluster.MoveTo(standby);

        Assert.Equal(1, await CountAsync(cluster));
        Assert.False(first.IsRunning);
    }

    [Fact]
    public async Task Commits_wait_for_the_synchronous_standby()
    {
        using var cluster = new PostgresCluster();
        var standby = cluster.AddStandby("second");
        cluster.Primary.CommitWith("second");
        cluster.Primary.Query("CREATE TABLE t(i int); INSERT INTO t VALUES (1)");
        cluster.Primary.Kill();
        standby.Promote();
        cluster.MoveTo(standby);
        Assert.Equal(1, await CountAsync(cluster));
    }

    [Fact]
    public async Task A_dump_is_restored_into_another_cluster_and_a_frozen_server_answers_again_when_it_thaws()
    {
        using var cluster = new PostgresCluster();
        cluster.Primary.Query("CREATE TABLE t(i int); INSERT INTO t VALUES (1)");
        var other = cluster.AddCluster("other");
        other.Restore("copy", cluster.Primary.Dump("postgres"));
        Assert.Equal("1", other.Query("SELECT count(*) FROM t", "copy"));
        Assert.NotEqual(cluster.Primary.Query(Identity), other.Query(Identity));

        cluster.Primary.Freeze();
        var counting = CountAsync(cluster);
        await Assert.ThrowsAsync<TimeoutException>(() => counting.WaitAsync(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken));
        cluster.Primary.Thaw();
        Assert.Equal(1, await counting);

        cluster.Switch.Cut();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => CountAsync(cluster));
    }

    private static async Task<long> CountAsync(PostgresCluster cluster)
    {
        await using var connection = new NpgsqlConnection(cluster.ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM t", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
