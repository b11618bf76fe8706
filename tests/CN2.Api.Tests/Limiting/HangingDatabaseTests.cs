using System.Diagnostics;
using System.Globalization;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Limiting;

/// <summary>PostgreSQL neither answers nor refuses: its processes are stopped (SIGSTOP). Every request ends all the same.</summary>
public sealed class HangingDatabaseTests(HangingDatabaseTests.Server api) : IClassFixture<HangingDatabaseTests.Server>
{
    [Fact]
    public async Task While_the_database_hangs_every_request_is_answered_503_within_10_seconds_and_then_all_goes_on()
    {
        const string hc = "/v1/namespaces/default/service-health-checks";
        // Connections that are open and statements that are prepared, as in a server that runs for a while.
        (await api.PutAsync($"{hc}/before", """{"monitorType":"PING"}""")).Expect(201);
        for (var i = 0; i < 3; i++) await Task.WhenAll(Requests(hc, i).Select(r => r()));

        List<(Reply Reply, TimeSpan Took)> answers;
        api.Freeze();
        try
        {
            answers = [.. await Task.WhenAll(Requests(hc, 9).Select(async r =>
            {
                var clock = Stopwatch.StartNew();
                var reply = await r();
                return (reply, clock.Elapsed);
            }))];
        }
        finally
        {
            api.Thaw();
        }

        Assert.All(answers, a => Assert.Equal("unavailable", a.Reply.Expect(503).Code));
        Assert.All(answers, a => Assert.NotNull(a.Reply.RetryAfter));
        Assert.All(answers, a => Assert.Contains("does not answer", (string)a.Reply.Json!["title"]!, StringComparison.Ordinal));
        Assert.All(answers, a => Assert.InRange(a.Took, TimeSpan.Zero, Patience.Seconds(Network.Resources.Limits.RequestSeconds + 2)));
        await Eventually.TrueAsync(async () => (await api.GetAsync($"{hc}/before")).Status == 200);
        await Eventually.TrueAsync(async () => (await api.PutAsync($"{hc}/after", """{"monitorType":"PING"}""")).Status is 200 or 201);
    }

    private List<Func<Task<Reply>>> Requests(string hc, int round) =>
    [
        () => api.GetAsync("/v1/namespaces"),
        () => api.GetAsync($"{hc}/before"),
        () => api.PutAsync($"{hc}/put-{round}", """{"monitorType":"PING"}"""),
        () => api.PatchAsync($"{hc}/before", $$"""{"delay":{{round + 1}}}"""),
        () => api.PostAsync("/v1/namespaces/default/services", $$"""{"name":"s{{round}}","type":"ClusterIP","ports":[{"port":80}]}"""),
        () => api.PostAsync("/v1/namespaces/default/services?dryRun=true", """{"name":"dry","type":"ClusterIP","ports":[{"port":80}]}"""),
        () => api.DeleteAsync($"{hc}/put-{round - 1}"),
    ];

    /// <summary>The server with a PostgreSQL of its own.</summary>
    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres), IAsyncLifetime
    {
        private readonly TemporaryDirectory _directory = new("cn2-hang-");
        private PostgresServer? _postgres;

        public void Freeze() => Signal("STOP");

        public void Thaw() => Signal("CONT");

        protected override async Task<string> DatabaseAsync()
        {
            _postgres = new PostgresServer(_directory.Path, PostgresServer.WithoutDurability);
            await using var admin = new NpgsqlConnection(_postgres.ConnectionString("postgres"));
            await admin.OpenAsync();
            await using var create = new NpgsqlCommand("CREATE DATABASE cn2", admin);
            await create.ExecuteNonQueryAsync();
            return _postgres.ConnectionString("cn2");
        }

        async ValueTask IAsyncDisposable.DisposeAsync()
        {
            await DisposeAsync();
            NpgsqlConnection.ClearAllPools();
            _postgres?.Dispose();
            _directory.Dispose();
        }

        /// <summary>To the server and all its backends.</summary>
        private void Signal(string signal)
        {
            var server = File.ReadLines(Path.Combine(_directory.Path, "data", "postmaster.pid")).First();
            var backends = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _) && ParentOf(p!) == server);
            // A backend may end at any moment, which is no fault of the others.
            Command.Try("kill", [$"-{signal}", server, .. backends!]);
        }

        private static string? ParentOf(string pid)
        {
            try
            {
                var stat = File.ReadAllText($"/proc/{pid}/stat");
                return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
            }
            catch (IOException)
            {
                return null; // it has ended
            }
        }
    }
}
