using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace CN2.Api.Tests.Data;

/// <summary>Other replicas are told of changes, also of those that were lost with a connection.</summary>
public sealed class ChangeNotifierTests(PrivatePostgres postgres) : IAsyncLifetime
{
    private readonly ChangeSignal _here = new();
    private readonly ChangeSignal _elsewhere = new();
    private string _database = null!;
    private ChangeNotifier _teller = null!;
    private ChangeNotifier _listener = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateEmptyDatabaseAsync();
        _listener = await StartAsync(_elsewhere, "listener");
        _teller = await StartAsync(_here, "teller");
    }

    public async ValueTask DisposeAsync()
    {
        await _teller.StopAsync(CancellationToken.None);
        await _listener.StopAsync(CancellationToken.None);
        _teller.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public async Task A_change_that_could_not_be_told_is_told_when_the_connection_is_back()
    {
        using var reader = _elsewhere.Subscribe();
        var told = 0;
        await Eventually.TrueAsync(async () =>
        {
            _here.Set();
            return await reader.WaitAsync(TimeSpan.FromMilliseconds(100), Ct) && ++told >= 3;
        }, "both have their connections", 30);
        await QueryAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'teller' AND query NOT LIKE 'LISTEN%'");
        while (await reader.WaitAsync(TimeSpan.FromMilliseconds(200), Ct)) continue; // what was under way
        _here.Set(); // finds the connection broken
        Assert.True(await reader.WaitAsync(TimeSpan.FromSeconds(30), Ct));
    }

    private async Task<ChangeNotifier> StartAsync(ChangeSignal signal, string name)
    {
        var options = new DatabaseOptions { ConnectionString = $"{_database};Application Name={name}" };
        var notifier = new ChangeNotifier(signal, new DedicatedConnection(options), NullLogger<ChangeNotifier>.Instance);
        await notifier.StartAsync(Ct);
        return notifier;
    }

    private async Task QueryAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection);
        Assert.Equal(true, await command.ExecuteScalarAsync(Ct));
    }
}
