using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Opens connections outside the pool for state of a session: LISTEN, session-level advisory locks. Pooled connections are not reset
/// between uses, so they must never have such state. Nothing is prepared on them: the check at start must work through any pooler.
/// </summary>
public sealed class DedicatedConnection(DatabaseOptions options)
{
    private readonly string _connectionString =
        new NpgsqlConnectionStringBuilder(options.ConnectionString) { Pooling = false, KeepAlive = 5, MaxAutoPrepare = 0 }.ConnectionString;

    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
