using CN2.Api.Data;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(CN2.Api.Tests.Fixtures.PrivatePostgres))]

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// One real PostgreSQL for the test run. A class asks for a database of its own with <see cref="CreateDatabaseAsync"/>; it is a copy of
/// one that was migrated once.
/// </summary>
public sealed class PrivatePostgres : IAsyncLifetime
{
    private const string Template = "cn2_template";
    private readonly TemporaryDirectory _directory = new("cn2-tests-");
    private readonly SemaphoreSlim _creating = new(1);
    private PostgresServer _server = null!;
    private int _count;

    public async ValueTask InitializeAsync()
    {
        // Hundreds of databases that live for seconds: vacuuming each in turn, and compiling queries, would take more of the processors than the tests.
        _server = new PostgresServer(_directory.Path, [.. PostgresServer.WithoutDurability, "max_connections=400", "shared_buffers=64MB", "autovacuum=off", "jit=off"]);
        await ExecuteAsync($"CREATE DATABASE {Template}");
        await using var app = ApiHost.Build(["--ConnectionStrings:CN2", ConnectionString(Template), "--Bgp:Engine", "none", "--Http:Url", "http://127.0.0.1:0", "--Grpc:Url", "http://127.0.0.1:0", "--Agents:Mode", "none"]);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
        await app.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>What pg_dump prints of a database.</summary>
    /// <param name="connectionString">Of one that <see cref="CreateDatabaseAsync"/> made.</param>
    /// <param name="options">Options of pg_dump.</param>
    public string Dump(string connectionString, params string[] options)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString);
        return Command.Run(_server.Program("pg_dump"), ["-h", database.Host!, "-U", database.Username!, .. options, database.Database!]);
    }

    /// <summary>A fresh, migrated database; the connection string to it.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"cn2_{Interlocked.Increment(ref _count)}";
        await _creating.WaitAsync(); // PostgreSQL copies a template for one connection at a time.
        try
        {
            await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {Template} STRATEGY file_copy"); // the other way goes block by block through the log
        }
        finally
        {
            _creating.Release();
        }

        return ConnectionString(name);
    }

    /// <summary>A database without tables; the connection string to it.</summary>
    public async Task<string> CreateEmptyDatabaseAsync()
    {
        var name = $"cn2_{Interlocked.Increment(ref _count)}";
        await ExecuteAsync($"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    public ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        _server.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private string ConnectionString(string database) => _server.ConnectionString(database) + ";Maximum Pool Size=20";

    private async Task ExecuteAsync(string sql)
    {
        await using var admin = new NpgsqlConnection(ConnectionString("postgres"));
        await admin.OpenAsync();
        await using var command = new NpgsqlCommand(sql, admin);
        await command.ExecuteNonQueryAsync();
    }
}
