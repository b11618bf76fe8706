using CN2.Api.Data;
using CN2.Api.Http;
using CN2.Api.Writes;

namespace CN2.Api.Authorization;

/// <summary>
/// Somebody must stay an admin: a write of role bindings or tokens that takes the role from the last one is refused, and one that leaves only
/// tokens that expire: when the last of them has, nobody could make another. It is decided in the transaction, and writers take turns, so two
/// at once cannot remove the last two.
/// </summary>
public static class Admins
{
    /// <summary>A user or group may be there although this server has not seen it; a token is there while its row is.</summary>
    private const string Present =
        """
        SELECT coalesce(max(CASE WHEN s ->> 'kind' <> 'Token' THEN 2 WHEN t.name IS NULL OR t.expires_at <= now() THEN 0 WHEN t.expires_at IS NULL THEN 2 ELSE 1 END), 0)
        FROM role_binding b CROSS JOIN jsonb_array_elements(b.subjects) s LEFT JOIN api_token t ON t.name = s ->> 'name'
        WHERE b.role = 'admin' AND '*' = ANY (b.namespaces)
        """;

    /// <summary>To be called before anything of the write is read. Every such write changes the row anyway, by a trigger.</summary>
    public static Task LockAsync(WriteScope scope, CancellationToken ct) =>
        Sql.ReadAllAsync(scope.Connection, "SELECT version FROM access_state FOR UPDATE", row => row.GetInt64(0), ct);

    /// <summary>Who is an admin, as the transaction sees it.</summary>
    public static async Task<AdminPresence> PresenceAsync(WriteScope scope, CancellationToken ct)
    {
        await scope.SaveAsync(ct);
        return (AdminPresence)(await Sql.ReadAllAsync(scope.Connection, Present, row => row.GetInt32(0), ct))[0];
    }

    /// <summary>Not null: the write has taken the role from the last admin, or from the last one that stays.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="before">What <see cref="PresenceAsync"/> said before the write.</param>
    /// <param name="ct">Ends the statements.</param>
    public static async Task<ApiProblem?> RefusalAsync(WriteScope scope, AdminPresence before, CancellationToken ct) =>
        before == AdminPresence.None || await PresenceAsync(scope, ct) >= before ? null : ApiProblem.LastAdmin();
}
