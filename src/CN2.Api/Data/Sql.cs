using System.Data.Common;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>Builds commands and typed parameters of SQL, without boxing, and reads rows and columns.</summary>
internal static class Sql
{
    public static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    /// <summary>All rows that a query answers, each one read by <paramref name="read"/>.</summary>
    /// <param name="connection">The connection whose transaction the query belongs to, if one is open.</param>
    /// <param name="sql">The query, with $1, $2, … for <paramref name="parameters"/>.</param>
    /// <param name="read">Reads the current row; it must not keep the reader.</param>
    /// <param name="ct">Ends the query.</param>
    /// <param name="parameters">The parameters of the query.</param>
    public static async Task<List<T>> ReadAllAsync<T>(
        NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        var rows = new List<T>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) rows.Add(read(reader));
        return rows;
    }

    /// <summary>
    /// The first column of the first row of the first result; null: no row. Unlike ADO.NET's own it reads to the end: a timeout behind the first
    /// row is no error of the disposal of a reader, so a write that was undone would look done.
    /// </summary>
    public static async Task<object?> ScalarAsync(this DbCommand command, CancellationToken ct = default)
    {
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await FirstAsync(reader, ct);
    }

    /// <inheritdoc cref="ScalarAsync(DbCommand, CancellationToken)"/>
    public static async Task<object?> ScalarAsync(this DbBatch batch, CancellationToken ct = default)
    {
        await using var reader = await batch.ExecuteReaderAsync(ct);
        return await FirstAsync(reader, ct);
    }

    /// <summary>Reads what is left of all results, so that their errors are thrown.</summary>
    public static async Task FinishAsync(this DbDataReader reader, CancellationToken ct)
    {
        do
        {
            while (await reader.ReadAsync(ct))
            {
            }
        }
        while (await reader.NextResultAsync(ct));
    }

    public static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>One array for a column of many rows, for <c>unnest</c>.</summary>
    public static NpgsqlParameter Array<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value) => new NpgsqlParameter<TValue[]> { TypedValue = ToArray(rows, value) };

    public static NpgsqlParameter Array<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value, NpgsqlDbType type) =>
        new NpgsqlParameter<TValue[]> { TypedValue = ToArray(rows, value), NpgsqlDbType = NpgsqlDbType.Array | type };

    /// <summary>An array of texts that may be null.</summary>
    public static NpgsqlParameter Texts<TRow>(List<TRow> rows, Func<TRow, string?> value) => Array(rows, value, NpgsqlDbType.Text);

    public static NpgsqlParameter Time(DateTimeOffset time) => new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime };

    /// <summary>Labels or annotations as a jsonb column takes them.</summary>
    public static string LabelsText(Dictionary<string, string> labels) => labels.Count == 0 ? "{}" : JsonSerializer.Serialize(labels);

    /// <summary>Labels or annotations out of a jsonb column.</summary>
    public static Dictionary<string, string> GetLabels(this NpgsqlDataReader row, int column) =>
        row.GetString(column) is var text && text == "{}" ? [] : StoredLabels.Read(text);

    public static string? GetStringOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static Guid? GetGuidOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetGuid(column);

    public static DateTimeOffset? GetTimeOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);

    private static async Task<object?> FirstAsync(DbDataReader reader, CancellationToken ct)
    {
        var value = await reader.ReadAsync(ct) ? reader.GetValue(0) : null;
        await reader.FinishAsync(ct);
        return value;
    }

    private static TValue[] ToArray<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var result = new TValue[rows.Count];
        for (var i = 0; i < result.Length; i++) result[i] = value(rows[i]);
        return result;
    }
}
