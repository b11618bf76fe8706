using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Writes;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Http;

public sealed class DeadlockTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    [Fact]
    public async Task A_write_that_is_the_victim_of_a_deadlock_is_tried_again()
    {
        var ct = TestContext.Current.CancellationToken;
        foreach (var name in new[] { "lock-a", "lock-b" }) (await api.PutAsync($"/v1/namespaces/{name}", "{}")).Expect(201);
        await using var other = new NpgsqlConnection(api.ConnectionString);
        await other.OpenAsync(ct);
        await using var theirs = await other.BeginTransactionAsync(ct);
        await ExecuteAsync(other, "SET LOCAL deadlock_timeout = '1min'"); // so that it is the write that notices
        await ExecuteAsync(other, "SELECT FROM namespace WHERE name = 'lock-b' FOR UPDATE");

        var attempts = 0;
        Task? waits = null;
        var http = new DefaultHttpContext { Request = { Method = "PUT", Path = "/v1/namespaces/lock-b" } };
        http.Features.Set(CallerRights.All);
        await api.Services.GetRequiredService<WritePipeline>().ExecuteAsync(http, async (scope, _) =>
        {
            if (++attempts == 1)
            {
                await scope.Db.Database.ExecuteSqlAsync($"SET LOCAL deadlock_timeout = '10ms'", ct);
                await scope.Db.Database.ExecuteSqlAsync($"SELECT FROM namespace WHERE name = 'lock-a' FOR UPDATE", ct);
                waits = ExecuteAsync(other, "SELECT FROM namespace WHERE name = 'lock-a' FOR UPDATE");
                await Eventually.TrueAsync(async () => await scope.Db.Database.SqlQuery<bool>(
                    $"""SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {other.ProcessID} AND NOT granted) AS "Value" """).SingleAsync(ct));
            }
            else
            {
                await waits!;
                await theirs.RollbackAsync(ct);
            }

            var row = await scope.Db.Namespaces.AsTracking().SingleAsync(n => n.Name == "lock-b", ct);
            row.Labels = new Dictionary<string, string> { ["attempt"] = $"{attempts}" };
            return new WriteOutcome.Done(row.Name);
        });

        Assert.Equal(2, attempts);
        Assert.Equal("2", (string?)(await api.GetAsync("/v1/namespaces/lock-b")).Expect(200).Json!["labels"]!["attempt"]);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Statements of this test.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
