using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>What is kept in memory by the version of a row, without a server around it.</summary>
public sealed class VersionWatchTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private NpgsqlDataSource _source = null!;
    private VersionWatch _watch = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _source = NpgsqlDataSource.Create(await postgres.CreateEmptyDatabaseAsync());
        await ExecuteAsync("CREATE TABLE thing_state (version bigint); INSERT INTO thing_state VALUES (1)");
        _watch = new VersionWatch(_source, "thing_state", TimeProvider.System);
    }

    [Fact]
    public async Task Tables_are_read_again_when_the_version_has_moved_and_not_before()
    {
        var reads = 0;
        _watch.Add(Tables(() => reads++));
        await _watch.RefreshAsync(Ct);
        await _watch.RefreshAsync(Ct);
        Assert.Equal(1, reads);
        await ExecuteAsync("UPDATE thing_state SET version = 2");
        await _watch.RefreshAsync(Ct);
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task Tables_that_cannot_be_read_keep_no_others_from_being_read_and_are_tried_again()
    {
        var (isBroken, reads) = (true, 0);
        var said = new List<string>();
        var broken = new VersionedTables((_, _) => isBroken ? throw new JsonException("no subjects") : Task.CompletedTask, said.Add);
        _watch.Add(broken);
        _watch.Add(Tables(() => reads++));
        await _watch.RefreshAsync(Ct);
        await _watch.RefreshAsync(Ct);
        Assert.Equal(1, reads);
        Assert.Equal(["no subjects"], said); // once
        Assert.IsType<JsonException>(broken.Fault);
        isBroken = false;
        await _watch.RefreshAsync(Ct); // the version is the same
        Assert.Null(broken.Fault);
    }

    [Fact]
    public async Task While_the_database_is_away_what_was_read_stays_and_then_it_is_read_anew()
    {
        var reads = 0;
        var said = new List<string>();
        var tables = new VersionedTables((_, _) => Task.FromResult(reads++), said.Add);
        _watch.Add(tables);
        await _watch.RefreshAsync(Ct);
        await ExecuteAsync("ALTER TABLE thing_state RENAME TO gone");
        await _watch.RefreshAsync(Ct);
        await _watch.RefreshAsync(Ct);
        Assert.Equal((1, 1), (reads, said.Count));
        Assert.NotNull(tables.Fault);
        await ExecuteAsync("ALTER TABLE gone RENAME TO thing_state");
        await _watch.RefreshAsync(Ct);
        Assert.Equal(2, reads); // it may be an older state with the same version
    }

    [Fact]
    public async Task Once_it_is_started_it_looks_by_itself()
    {
        var (reads, turns) = (0, 0);
        _watch.Add(new VersionedTables((_, _) => Task.FromResult(Interlocked.Increment(ref reads)), _ => { }) { Turned = () => Interlocked.Increment(ref turns) });
        await _watch.StartAsync(Ct);
        Assert.Equal(1, reads); // when the server takes requests, it has been read
        await ExecuteAsync("UPDATE thing_state SET version = 2");
        await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref reads) == 2 && Volatile.Read(ref turns) > 0), "it is read again");
        await _watch.StopAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        await _source.DisposeAsync();
    }

    private static VersionedTables Tables(Action read) => new(
        (_, _) =>
        {
            read();
            return Task.CompletedTask;
        }, reason => Assert.Fail(reason));

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Ct);
    }
}
