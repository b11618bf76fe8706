using System.Data;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>A connection on which every query sees the same snapshot of the database. It writes nothing; disposing it gives the connection back.</summary>
internal sealed class DatabaseReading : IDatabaseReading
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private DatabaseReading(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    /// <summary>The connection of a reading that a store of this database has opened.</summary>
    public static NpgsqlConnection ConnectionOf(IDatabaseReading reading) => ((DatabaseReading)reading)._connection;

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
        await _connection.DisposeAsync();
    }
}
