using System.Text;
using CN2.Api.Http;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Writes;

/// <summary>
/// The <c>Idempotency-Key</c> of a POST. Its row is written in the transaction of the request's own write: both are committed or
/// neither, and two requests with one key wait for each other.
/// </summary>
public sealed class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    private readonly string _key;
    private readonly string _path;
    private readonly byte[] _hash;

    private IdempotencyKey(string key, string path, byte[] hash)
    {
        _key = key;
        _path = path;
        _hash = hash;
    }

    /// <summary>Reads the request's key; null when it has none or is no POST. Answers the problem with a malformed one.</summary>
    internal static ApiProblem? Read(HttpContext http, out IdempotencyKey? key)
    {
        key = null;
        if (!HttpMethods.IsPost(http.Request.Method) || !http.Request.Headers.TryGetValue(Header, out var given)) return null;
        if (given.Count != 1 || given[0] is not { Length: > 0 and <= Limits.IdempotencyKey } text || text.Any(c => c is < ' ' or > '~'))
            return ApiProblem.Validation(Header, $"must be one value of 1 to {Limits.IdempotencyKey} printable ASCII characters");
        key = new IdempotencyKey(text, http.Request.Path.Value ?? "/", http.Features.Get<RequestBody>()?.Hash() ?? []);
        return null;
    }

    /// <summary>Claims the key. Null: this request is the first with it. Otherwise the answer of the first, or a refusal when the bodies differ.</summary>
    internal async Task<Microsoft.AspNetCore.Mvc.IActionResult?> TakeAsync(WriteScope scope, CancellationToken cancellationToken)
    {
        await using (var claim = new NpgsqlCommand(
            """
            INSERT INTO idempotency_key AS k (key, path, body_hash, status_code, body, created_at) VALUES ($1, $2, $3, 0, '', $4)
            ON CONFLICT (key, path) DO UPDATE
                SET body_hash = excluded.body_hash, status_code = 0, body = '', location = NULL, e_tag = NULL, created_at = excluded.created_at
                WHERE k.created_at < excluded.created_at - interval '24 hours'
            """, scope.Connection))
        {
            claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _key });
            claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _path });
            claim.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = _hash });
            claim.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = scope.Now });
            if (await claim.ExecuteNonQueryAsync(cancellationToken) == 1) return null;
        }

        await using var read = new NpgsqlCommand(
            "SELECT body_hash, status_code, body, e_tag, location FROM idempotency_key WHERE key = $1 AND path = $2", scope.Connection);
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _key });
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _path });
        await using var row = await read.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        if (!row.GetFieldValue<byte[]>(0).AsSpan().SequenceEqual(_hash)) return new ProblemResult(ApiProblem.IdempotencyKeyReused());
        return Answer.Kept(
            row.GetInt32(1), Encoding.UTF8.GetBytes(row.GetString(2)),
            await row.IsDBNullAsync(3, cancellationToken) ? null : row.GetString(3),
            await row.IsDBNullAsync(4, cancellationToken) ? null : row.GetString(4));
    }

    /// <summary>Stores the answer with the key.</summary>
    internal async Task KeepAsync(WriteScope scope, Answer answer, CancellationToken cancellationToken)
    {
        await using var keep = new NpgsqlCommand(
            "UPDATE idempotency_key SET status_code = $3, body = $4, e_tag = $5, location = $6 WHERE key = $1 AND path = $2", scope.Connection);
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _key });
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _path });
        keep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = answer.Status });
        keep.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Encoding.UTF8.GetString(answer.Body.Span) });
        keep.Parameters.Add(new NpgsqlParameter { Value = (object?)answer.ETag ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        keep.Parameters.Add(new NpgsqlParameter { Value = (object?)answer.Location ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await keep.ExecuteNonQueryAsync(cancellationToken);
    }
}
