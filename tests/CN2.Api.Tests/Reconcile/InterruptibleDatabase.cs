using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A database as one client sees it; the test takes it away from this client and gives it back. Other clients notice nothing.</summary>
internal sealed class InterruptibleDatabase
{
    private readonly string _admin;
    private readonly string _role = $"client_{Guid.NewGuid():N}";

    private InterruptibleDatabase(string connectionString) => _admin = connectionString;

    public string ConnectionString => new NpgsqlConnectionStringBuilder(_admin) { Username = _role }.ConnectionString;

    public static async Task<InterruptibleDatabase> OpenAsync(string connectionString)
    {
        var database = new InterruptibleDatabase(connectionString);
        await database.ExecuteAsync(
            $"CREATE ROLE {database._role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {database._role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {database._role}");
        return database;
    }

    /// <summary>Connections end, and new ones are refused (SqlState 53300).</summary>
    public Task TakeAwayAsync() =>
        ExecuteAsync($"ALTER ROLE {_role} CONNECTION LIMIT 0; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_role}'");

    public Task GiveBackAsync() => ExecuteAsync($"ALTER ROLE {_role} CONNECTION LIMIT -1");

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_admin);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
