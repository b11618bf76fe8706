using CN2.Api.Data;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>
/// What a start needs of its database, and what it says when that is not so. On a server of its own: a migration is a long transaction, and
/// holds the change feed of every database of its server back.
/// </summary>
public sealed class StartTests : IDisposable
{
    private readonly PostgresCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task Replicas_that_start_together_on_an_empty_database_all_start()
    {
        for (var round = 0; round < 2; round++)
        {
            var database = CreateDatabase($"empty{round}");
            await using var a = new ApiProcess(database, "cn-a", "--Database:Migrate", "true");
            await using var b = new ApiProcess(database, "cn-b", "--Database:Migrate", "true");
            await a.UntilReadyAsync();
            await b.UntilReadyAsync();
        }
    }

    /// <summary>The same race without the time that a process takes to start: all of them meet the empty database at once.</summary>
    [Fact]
    public async Task Replicas_that_migrate_an_empty_database_at_once_take_turns()
    {
        for (var round = 0; round < 12; round++)
        {
            var database = CreateDatabase($"at_once{round}");
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => MigrateAsync(database), TestContext.Current.CancellationToken)));
        }
    }

    [Fact]
    public async Task A_version_that_knows_fewer_migrations_than_the_database_has_starts()
    {
        var database = await CreateMigratedAsync();
        await ExecuteAsync(database, """INSERT INTO "__EFMigrationsHistory" (migration_id, product_version) VALUES ('29990101000000_OfTheNextVersion', '99')""");
        await using var api = new ApiProcess(database, "cn-a");
        await api.UntilReadyAsync();
        Assert.Contains("29990101000000_OfTheNextVersion", api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_version_another_isolation_and_another_encoding_are_named_together() =>
        Assert.Equal(
            [
                "PostgreSQL is 14.9: expected 15 or newer.",
                "default_transaction_isolation is 'serializable': expected 'read committed' "
                    + "(ALTER DATABASE cn2 SET default_transaction_isolation = 'read committed', and no other value for its role).",
                "The encoding of database cn2 is SQL_ASCII: expected UTF8.",
            ],
            new DatabaseFacts("cn2", "14.9", 140009, "serializable", "SQL_ASCII", false).Faults());

    [Fact]
    public async Task A_database_with_another_isolation_level_is_refused_with_a_sentence()
    {
        var database = await CreateMigratedAsync();
        await ExecuteAsync(database, $"ALTER DATABASE {new NpgsqlConnectionStringBuilder(database).Database} SET default_transaction_isolation = 'repeatable read'");
        Assert.Contains("default_transaction_isolation is 'repeatable read': expected 'read committed'", await RefusalOf(database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_without_rights_is_told_which_tables_he_may_not_use()
    {
        var database = await CreateMigratedAsync();
        var role = $"reader_{Guid.NewGuid():N}";
        await ExecuteAsync(database, $"CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; REVOKE UPDATE ON service, leader_lease FROM {role}");
        Assert.Contains(
            $"The database's user {role} may not read and write leader_lease, service: expected SELECT, INSERT, UPDATE and DELETE",
            await RefusalOf(new NpgsqlConnectionStringBuilder(database) { Username = role }.ConnectionString), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pooler_in_transaction_mode_is_refused_with_a_sentence()
    {
        using var pooler = new PgBouncer(await CreateMigratedAsync(), "transaction");
        Assert.Contains("a connection pooler in transaction mode: expected a direct connection, or a pooler in session mode", await RefusalOf(pooler.ConnectionString), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pooler_in_session_mode_is_taken()
    {
        using var pooler = new PgBouncer(await CreateMigratedAsync(), "session");
        await using var api = new ApiProcess(pooler.ConnectionString, "cn-a");
        await api.UntilReadyAsync();
    }

    [Fact]
    public async Task A_pooler_that_other_replicas_use_at_the_same_time_is_found_out_as_well()
    {
        using var pooler = new PgBouncer(await CreateMigratedAsync(), "transaction");
        using var stop = new CancellationTokenSource();
        var others = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await ExecuteAsync(pooler.ConnectionString + ";Max Auto Prepare=0", "SELECT 1");
        }, TestContext.Current.CancellationToken)).ToList();
        await using var app = ApiHost.Build(["--ConnectionStrings:CN2", pooler.ConnectionString, "--Bgp:Engine", "none", "--Agents:Mode", "none"]);
        for (var i = 0; i < 10; i++)
        {
            var refusal = await Assert.ThrowsAsync<UnsuitableDatabaseException>(() => app.Services.GetRequiredService<DatabaseCheck>().SettingsAsync(CancellationToken.None));
            Assert.Single(refusal.Faults);
        }

        await stop.CancelAsync();
        await Task.WhenAll(others);
    }

    private string CreateDatabase(string name)
    {
        _cluster.Primary.Query($"CREATE DATABASE {name}");
        return _cluster.Primary.ConnectionString(name) + ";SSL Mode=Disable;GSS Encryption Mode=Disable";
    }

    private async Task<string> CreateMigratedAsync()
    {
        var database = CreateDatabase("cn2");
        await MigrateAsync(database);
        return database;
    }

    private static async Task MigrateAsync(string database)
    {
        await using var app = ApiHost.Build(["--ConnectionStrings:CN2", database, "--Bgp:Engine", "none", "--Agents:Mode", "none"]);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
    }

    private static async Task<string> RefusalOf(string database)
    {
        await using var api = new ApiProcess(database, "cn-a");
        // What it said last is read a moment after its end.
        await Eventually.TrueAsync(() => api.HasExited && api.Output.Contains("CN2.Api does not start, its database cannot be used as it is:", StringComparison.Ordinal), "it says why", 60, () => api.Output);
        return api.Output;
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
