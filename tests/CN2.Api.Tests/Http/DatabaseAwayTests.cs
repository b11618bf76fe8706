using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Http;

/// <summary>On a server of its own, because the test takes its database away.</summary>
public sealed class DatabaseAwayTests(ApiServer api) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task Without_the_database_requests_are_503_with_Retry_After_until_it_is_back()
    {
        await Eventually.TrueAsync(async () => (await api.GetAsync("/readyz")).Status == 200);
        var name = new NpgsqlConnectionStringBuilder(api.ConnectionString).Database!;
        await RenameAsync(name, $"{name}_away");

        foreach (var reply in new[] { await api.GetAsync("/v1/namespaces"), await api.PutAsync("/v1/namespaces/x", "{}"), await api.DeleteAsync("/v1/namespaces/x") })
        {
            Assert.Equal("unavailable", reply.Expect(503).Code);
            Assert.NotNull(reply.RetryAfter);
        }

        Assert.Equal("""{"status":"not ready","checks":{"database":"away","migrations":"ok","warm":"ok"}}""", (await api.GetAsync("/readyz")).Expect(503).Text);
        (await api.GetAsync("/livez")).Expect(200);
        await RenameAsync($"{name}_away", name);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/namespaces")).Status == 200);
        await Eventually.TrueAsync(async () => (await api.GetAsync("/readyz")).Status == 200);
    }

    private async Task RenameAsync(string from, string to)
    {
        await using var admin = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(api.ConnectionString) { Database = "postgres" }.ConnectionString);
        await admin.OpenAsync();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
#pragma warning disable CA2100 // Names this test made.
                await using var command = new NpgsqlCommand(
                    $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{from}'; ALTER DATABASE {from} RENAME TO {to}", admin);
#pragma warning restore CA2100
                await command.ExecuteNonQueryAsync();
                return true;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                return false;
            }
        });
    }
}
