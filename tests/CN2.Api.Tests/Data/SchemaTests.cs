using System.Text.RegularExpressions;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Data;

public sealed partial class SchemaTests(PrivatePostgres postgres)
{
    /// <summary>
    /// migrations/schema.sql is what a database administrator reads. CN2_UPDATE_SCHEMA=1 writes it anew. Differences between minor releases of
    /// pg_dump are left out: comments, settings of the session and psql commands.
    /// </summary>
    [Fact]
    public async Task Schema_sql_equals_the_schema_that_the_migrations_create()
    {
        var dump = postgres.Dump(await postgres.CreateDatabaseAsync(), "--schema-only", "--no-owner", "--no-privileges");
        var lines = dump.Split('\n').Where(l => !l.StartsWith("--", StringComparison.Ordinal) && !l.StartsWith('\\') && !SessionSetting().IsMatch(l));
        var schema = "-- The schema that the migrations make, as pg_dump writes it. A test keeps it equal (CN2_UPDATE_SCHEMA=1 writes it anew).\n"
            + EmptyLines().Replace(string.Join('\n', lines), "\n\n").TrimEnd() + "\n";
        var file = Repository.PathOf("migrations", "schema.sql");
        if (Environment.GetEnvironmentVariable("CN2_UPDATE_SCHEMA") == "1") await File.WriteAllTextAsync(file, schema, TestContext.Current.CancellationToken);
        Assert.True(schema == await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken),
            "migrations/schema.sql differs from what the migrations make; write it anew with CN2_UPDATE_SCHEMA=1");
    }

    /// <summary>PostgreSQL plans a function in SQL in each statement that calls it, and keeps the plan of one in PL/pgSQL: feed_server() took a third of a create's processor time so.</summary>
    [Fact]
    public async Task Functions_keep_their_plans()
    {
        await using var source = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync());
        await using var command = source.CreateCommand(
            "SELECT coalesce(string_agg(proname, ', '), '') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE pronamespace = 'public'::regnamespace AND lanname = 'sql'");
        Assert.Equal("", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [GeneratedRegex(@"^(SET \w+|SELECT pg_catalog\.set_config)")]
    private static partial Regex SessionSetting();

    [GeneratedRegex(@"\n{3,}")]
    private static partial Regex EmptyLines();
}
