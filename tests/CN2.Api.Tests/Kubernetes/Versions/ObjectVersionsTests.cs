using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Kubernetes.Versions;

/// <summary>Versions on a real database, with transactions that overlap. Other tests of the run have transactions at the same server.</summary>
public sealed class ObjectVersionsTests(ApiServer api) : IClassFixture<ApiServer>
{
    private readonly ObjectVersions _versions = new(api.Services.GetRequiredService<NpgsqlDataSource>(), api.Services.GetRequiredService<ChangeFeedReader>());

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_gives_an_object_a_greater_version_and_the_list_a_greater_one_still()
    {
        await using var connection = await OpenAsync();
        var (a, b) = (Guid.NewGuid(), Guid.NewGuid());
        await ChangeAsync(connection, a);
        await ChangeAsync(connection, b);
        var first = await _versions.ReadAsync(connection, [a, b], Ct);
        Assert.True(first[a].CompareTo(first[b]) < 0);
        await ChangeAsync(connection, a);
        var second = await _versions.ReadAsync(connection, [a, b], Ct);
        Assert.True(second[a].CompareTo(first[b]) > 0);
        Assert.Equal(first[b], second[b]);
        await Eventually.TrueAsync(async () => (await _versions.MomentAsync(connection, Ct)).Version.CompareTo(second[a]) > 0);
    }

    [Fact]
    public async Task A_change_that_commits_late_is_after_the_list_that_did_not_see_it_and_gives_the_object_another_version()
    {
        await using var connection = await OpenAsync();
        await using var slow = await OpenAsync();
        var (shared, own) = (Guid.NewGuid(), Guid.NewGuid());
        await using var transaction = await slow.BeginTransactionAsync(Ct);
        await ChangeAsync(slow, own);
        await ChangeAsync(connection, shared);
        await ChangeAsync(slow, shared);
        var seen = (await _versions.ReadAsync(connection, [shared], Ct))[shared];
        var list = (await _versions.MomentAsync(connection, Ct)).Version;
        await transaction.CommitAsync(Ct);

        Assert.Equal(new HashSet<Guid> { own, shared }, (await ChangedSinceAsync(list)).Intersect([own, shared]).ToHashSet());
        // A client that has the object in its hands watches from the object's own version.
        Assert.Contains(own, await ChangedSinceAsync(seen));
        var now = (await _versions.ReadAsync(connection, [shared], Ct))[shared];
        Assert.True(now.CompareTo(seen) > 0);
        Assert.True(await _versions.IsStaleAsync(connection, shared, seen, Ct));
        Assert.False(await _versions.IsStaleAsync(connection, shared, now, Ct));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_transaction_that_stays_open_holds_the_version_of_lists_back_only_until_a_snapshot_is_kept(bool clockWasSetBack)
    {
        await using var connection = await OpenAsync();
        if (clockWasSetBack) await ExecuteAsync(connection, "INSERT INTO feed_snapshot (at, snapshot) VALUES (now() + interval '1 hour', pg_current_snapshot()::text)");
        await using var forgotten = await OpenAsync();
        var (late, early, after) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        await using var transaction = await forgotten.BeginTransactionAsync(Ct);
        await ChangeAsync(forgotten, late);
        await ChangeAsync(connection, early);
        await KeepAsync(connection);
        await ChangeAsync(connection, after);
        var shown = (await _versions.ReadAsync(connection, [after], Ct))[after];
        ResourceVersion list = default;
        await Eventually.TrueAsync(async () => (list = (await _versions.MomentAsync(connection, Ct)).Version).CompareTo(shown) > 0, "the list's version follows");
        await transaction.CommitAsync(Ct);

        Assert.Contains(late, await ChangedSinceAsync(list));
        Assert.DoesNotContain(after, await ChangedSinceAsync(list));
        var fromObject = await ChangedSinceAsync(shown);
        Assert.Contains(late, fromObject);
        Assert.DoesNotContain(early, fromObject);
    }

    [Fact]
    public async Task A_version_that_is_too_old_or_from_elsewhere_leads_nowhere()
    {
        await using var connection = await OpenAsync();
        var uid = Guid.NewGuid();
        await ChangeAsync(connection, uid);
        var moment = await _versions.MomentAsync(connection, Ct);
        var version = (await _versions.ReadAsync(connection, [uid], Ct))[uid];
        Assert.NotNull(await _versions.FindAsync(moment.Version, Ct));
        Assert.NotNull(await _versions.FindAsync(version, Ct));
        Assert.Null(await _versions.FindAsync(ResourceVersion.OfList(moment.EpochBegan, moment.Seen.Xmax + 1_000_000), Ct));
        Assert.Null(await _versions.FindAsync(ResourceVersion.OfList(moment.EpochBegan.AddHours(-1), version.Transaction), Ct));
        Assert.Null(await _versions.FindAsync(new ResourceVersion(1), Ct));

        // Retention removes what was seen two hours ago.
        await ChangeAsync(connection, Guid.NewGuid());
        await ExecuteAsync(connection, "DELETE FROM feed_snapshot; INSERT INTO feed_snapshot (at, snapshot) VALUES (now() - interval '2 hours', pg_current_snapshot()::text)");
        await ChangeAsync(connection, Guid.NewGuid());
        await api.Services.GetRequiredService<Retention>().RunOnceAsync(Ct);
        Assert.Null(await _versions.FindAsync(moment.Version, Ct));
        Assert.Null(await _versions.FindAsync(version, Ct));
        // The object is the same: whoever read it before may still update it, and its version is a number of this epoch.
        Assert.False(await _versions.IsStaleAsync(connection, uid, version, Ct));
        var first = (await _versions.ReadAsync(connection, [uid], Ct))[uid];
        Assert.True(first.IsOf(moment.EpochBegan));
        Assert.Null(await _versions.FindAsync(first, Ct));
    }

    [Fact]
    public async Task An_update_is_refused_when_the_object_has_changed_or_never_had_the_version()
    {
        await using var connection = await OpenAsync();
        var uid = Guid.NewGuid();
        await ChangeAsync(connection, uid);
        var before = (await _versions.ReadAsync(connection, [uid], Ct))[uid];
        Assert.False(await _versions.IsStaleAsync(connection, uid, before, Ct));
        await ChangeAsync(connection, uid);
        var moment = await _versions.MomentAsync(connection, Ct);
        foreach (var named in (ResourceVersion[])[before, moment.Version, new(1), ResourceVersion.Of(moment.EpochBegan, moment.Seen.Xmax + 5), ResourceVersion.Of(moment.EpochBegan.AddHours(1), 1)])
            Assert.True(await _versions.IsStaleAsync(connection, uid, named, Ct), named.ToString());
    }

    [Fact]
    public async Task Versions_of_many_objects_come_by_one_statement_each_thousand()
    {
        await using var connection = await OpenAsync();
        var uids = Enumerable.Range(0, 2500).Select(_ => Guid.NewGuid()).ToArray();
        await ChangeAsync(connection, uids);
        var read = await _versions.ReadAsync(connection, [.. uids, Guid.NewGuid()], Ct);
        Assert.Equal(2501, read.Count);
        Assert.Equal(2, read.Values.Distinct().Count());
    }

    private async Task<HashSet<Guid>> ChangedSinceAsync(ResourceVersion version)
    {
        var feed = api.Services.GetRequiredService<ChangeFeedReader>();
        var position = await _versions.FindAsync(version, Ct);
        Assert.NotNull(position);
        var page = await feed.ReadAsync(position, 1_000_000, Ct);
        Assert.Equal(FeedGap.None, page.Gap);
        return [.. page.Rows.Select(r => r.Uid)];
    }

    private async Task<NpgsqlConnection> OpenAsync() => await api.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Ct);

    private static async Task ChangeAsync(NpgsqlConnection connection, params Guid[] uids)
    {
        var changes = new ChangeList();
        foreach (var uid in uids) changes.Modified(ResourceKind.ServiceHealthCheck, "default", "versions", uid, statusOnly: true);
        await using var batch = new NpgsqlBatch(connection);
        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(Ct);
    }

    private static Task KeepAsync(NpgsqlConnection connection) => ExecuteAsync(connection, "INSERT INTO feed_snapshot (at, snapshot) VALUES (now(), pg_current_snapshot()::text)");

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }
}
