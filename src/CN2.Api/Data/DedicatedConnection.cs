using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Opens connections outside the pool for state of a session: LISTEN, session-level advisory locks. Pooled connections are not reset
/// between uses, so they must never have such state.
/// </summary>
public sealed class DedicatedConnection(DatabaseOptions options)
{
    private readonly string _connectionString =
        new NpgsqlConnectionStringBuilder(options.ConnectionString) { Pooling = false, KeepAlive = 5 }.ConnectionString;

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
