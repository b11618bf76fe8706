using System.Diagnostics.Metrics;
using CN2.Api.Audit;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Reconcile;
using CN2.Network.Resources;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace CN2.Api.Tests.Audit;

/// <summary>Refusals on their way to the audit log.</summary>
public sealed class AuditQueueTests(PrivatePostgres postgres) : IDisposable
{
    private readonly RecordedLog _log = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task A_storm_of_alike_refusals_is_one_row_a_second()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        using var queue = Queue(source);
        var origin = Origin("/v1/services");
        for (var i = 0; i < 5000; i++) queue.Add(Refusal(origin));
        queue.Add(Refusal(Origin("/v1/other")));
        await queue.FlushAsync(Token);
        Assert.Equal("5000 1", await TextAsync(source, "SELECT string_agg(repeated::text, ' ' ORDER BY repeated DESC) FROM audit"));
        Assert.Equal(0, queue.Dropped);
    }

    [Fact]
    public async Task A_storm_of_different_refusals_fills_neither_the_memory_nor_the_table()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        using var queue = Queue(source);
        for (var i = 0; i < 50_000; i++) queue.Add(Refusal(Origin($"/v1/{i}")));
        Assert.Equal(50_000 - Limits.AuditWaiting, queue.Dropped);
        await queue.FlushAsync(Token);
        await queue.FlushAsync(Token);
        Assert.Equal($"{Limits.AuditedRefusals}", await TextAsync(source, "SELECT count(*)::text FROM audit"));
        Assert.Equal(50_000 - Limits.AuditedRefusals, queue.Dropped);
        Assert.Single(_log.Lines, l => l.Level == LogLevel.Warning && l.Text.StartsWith($"{50_000 - Limits.AuditedRefusals} refusals are not in the audit log", StringComparison.Ordinal));
    }

    /// <summary>With noise of nobody a thief would hide what it does with the token that it stole.</summary>
    [Fact]
    public async Task A_storm_of_strangers_hides_no_refusal_of_a_caller_that_is_known()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        using var queue = Queue(source);
        for (var i = 0; i < 50_000; i++)
        {
            queue.Add(Refusal(Stranger($"/v1/{i}", "198.51.100.1")));
            if (i % 5000 == 0) queue.Add(Refusal(Origin($"/v1/secret/{i}")));
        }

        for (var i = 0; i < 5000; i++) queue.Add(Refusal(Stranger("/v1/other", $"203.0.{i / 256}.{i % 256}")));
        await queue.FlushAsync(Token);
        Assert.Equal("10", await TextAsync(source, "SELECT count(*)::text FROM audit WHERE caller = 'eve'"));
        Assert.Equal("/v1/0 50000", await TextAsync(source, "SELECT path || ' ' || repeated FROM audit WHERE source = '198.51.100.1'"));
        Assert.Equal($"{Limits.AuditedStrangers}", await TextAsync(source, "SELECT count(*)::text FROM audit WHERE caller = 'unknown'"));
        Assert.Equal(5000 - (Limits.AuditedStrangers - 1), queue.Dropped);
    }

    [Fact]
    public async Task While_the_database_is_away_they_wait()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var away = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { Port = 1, Host = "127.0.0.1", Timeout = 1 }.ConnectionString);
        using var queue = Queue(away);
        queue.Add(Refusal(Origin("/v1/services")));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => queue.FlushAsync(Token));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => queue.FlushAsync(Token));
        Assert.Equal(0, queue.Dropped);
    }

    [Fact]
    public async Task Hostile_text_is_stored_as_text()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        using var queue = Queue(source);
        queue.Add(Refusal(Origin(AuditText.Clean("/v1/\0\u001b[31m\ud800'; DROP TABLE audit; --", AuditText.LongPath)!)));
        await queue.FlushAsync(Token);
        Assert.Equal("/v1/??[31m?'; DROP TABLE audit; --", await TextAsync(source, "SELECT path FROM audit"));
    }

    [Theory]
    [InlineData("/v1/namespaces", "namespaces", null, null, null)]
    [InlineData("/v1/namespaces/ns1", "namespaces", null, "ns1", null)]
    [InlineData("/v1/namespaces/ns1/services", "services", "ns1", null, null)]
    [InlineData("/v1/namespaces/ns1/services/web", "services", "ns1", "web", null)]
    [InlineData("/v1/namespaces/ns1/virtual-machine-interfaces:batch", "virtual-machine-interfaces", "ns1", null, "batch")]
    [InlineData("/v1/virtual-routers/c1:join-token", "virtual-routers", null, "c1", "join-token")]
    [InlineData("/v1/bgp-routers/vmx1", "bgp-routers", null, "vmx1", null)]
    [InlineData("/v1", null, null, null, null)]
    [InlineData("/", null, null, null, null)]
    [InlineData("/apis/x/y", null, null, null, null)]
    public void A_path_of_v1_says_what_it_is_about(string path, string? resource, string? ns, string? name, string? action) =>
        Assert.Equal(new AuditTarget(resource, ns, name, action), AuditTarget.OfPath(path));

    private AuditQueue Queue(NpgsqlDataSource source)
    {
        var loggers = LoggerFactory.Create(b => b.AddProvider(_log).SetMinimumLevel(LogLevel.Warning));
        return new AuditQueue(source, new AuditLog(loggers), new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>(), new FakeTimeProvider(), loggers.CreateLogger<AuditQueue>());
    }

    private static AuditOrigin Origin(string path) => new() { CallerKind = "User", CallerName = "eve", RequestId = "r", Method = "POST", Path = path };

    private static AuditOrigin Stranger(string path, string source) =>
        new() { CallerKind = "Unknown", CallerName = "unknown", Source = System.Net.IPAddress.Parse(source), RequestId = "r", Method = "GET", Path = path };

    private static AuditEntry Refusal(AuditOrigin origin) => new(origin, DateTimeOffset.UnixEpoch, AuditSubject.Of(default), 401) { Code = "unauthenticated" };

    private static async Task<string?> TextAsync(NpgsqlDataSource source, string sql)
    {
#pragma warning disable CA2100 // Fixed texts of this file.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Token) as string;
    }
}
