using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>Builds commands and typed parameters of plain SQL, without boxing.</summary>
internal static class Sql
{
    public static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    public static NpgsqlParameter Array<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value) => new NpgsqlParameter<TValue[]> { TypedValue = ToArray(rows, value) };

    public static NpgsqlParameter Array<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value, NpgsqlDbType type) =>
        new NpgsqlParameter<TValue[]> { TypedValue = ToArray(rows, value), NpgsqlDbType = NpgsqlDbType.Array | type };

    public static NpgsqlParameter Time(DateTimeOffset time) => new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime };

    private static TValue[] ToArray<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var result = new TValue[rows.Count];
        for (var i = 0; i < result.Length; i++) result[i] = value(rows[i]);
        return result;
    }
}
