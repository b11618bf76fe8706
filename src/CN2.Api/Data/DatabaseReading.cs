using System.Data;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>A connection on which every query sees the same snapshot of the database. It writes nothing; disposing it gives the connection back.</summary>
public sealed class DatabaseReading : IAsyncDisposable
{
    private readonly NpgsqlTransaction _transaction;

    private DatabaseReading(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        Connection = connection;
        _transaction = transaction;
    }

    public NpgsqlConnection Connection { get; }

    public static async Task<DatabaseReading> OpenAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            return new DatabaseReading(connection, await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
