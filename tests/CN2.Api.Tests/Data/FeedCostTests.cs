using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>What every reading of the change feed costs.</summary>
public sealed class FeedCostTests(PrivatePostgres postgres)
{
    [Fact]
    public async Task The_planner_knows_that_the_head_of_the_feed_is_too_cheap_to_be_compiled()
    {
        await using var connection = new NpgsqlConnection(await postgres.CreateDatabaseAsync());
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var explain = new NpgsqlCommand($"EXPLAIN (FORMAT JSON) {FeedEpochs.HeadSql.Replace("$1", "now()", StringComparison.Ordinal)}", connection);
        var plan = JsonNode.Parse((string)(await explain.ExecuteScalarAsync(TestContext.Current.CancellationToken))!)![0]!["Plan"]!;
        await using var limit = new NpgsqlCommand("SELECT current_setting('jit_above_cost')::float8", connection);
        var above = (double)(await limit.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        Assert.InRange((double)plan["Total Cost"]!, 0, above / 100);
    }
}
