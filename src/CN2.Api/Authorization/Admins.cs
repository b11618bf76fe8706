using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;

namespace CN2.Api.Authorization;

/// <summary>
/// Somebody must stay an admin: a write of role bindings or tokens that takes the role from the last one is refused. It is decided in the
/// transaction, and writers take turns, so two at once cannot remove the last two.
/// </summary>
public static class Admins
{
    /// <summary>A user or group may be there although this server has not seen it; a token is there while its row is.</summary>
    private const string Exist =
        """
        SELECT EXISTS (
            SELECT FROM role_binding b, jsonb_array_elements(b.subjects) s
            WHERE b.role = 'admin' AND '*' = ANY (b.namespaces)
                AND (s ->> 'kind' <> 'Token' OR EXISTS (SELECT FROM api_token t WHERE t.name = s ->> 'name' AND (t.expires_at IS NULL OR t.expires_at > now()))))
        """;

    /// <summary>To be called before anything of the write is read. Every such write changes the row anyway, by a trigger.</summary>
    public static Task LockAsync(WriteScope scope, CancellationToken ct) =>
        Sql.ReadAllAsync(scope.Connection, "SELECT version FROM access_state FOR UPDATE", row => row.GetInt64(0), ct);

    /// <summary>There is an admin, as the transaction sees it.</summary>
    public static async Task<bool> ExistAsync(WriteScope scope, CancellationToken ct)
    {
        await scope.SaveAsync(ct);
        return (await Sql.ReadAllAsync(scope.Connection, Exist, row => row.GetBoolean(0), ct))[0];
    }

    /// <summary>Not null: the write has taken the role from the last admin.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="existed">What <see cref="ExistAsync"/> said before the write.</param>
    /// <param name="ct">Ends the statements.</param>
    public static async Task<ApiProblem?> RefusalAsync(WriteScope scope, bool existed, CancellationToken ct) =>
        existed && !await ExistAsync(scope, ct) ? ApiProblem.LastAdmin() : null;
}
