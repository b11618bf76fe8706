using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <inheritdoc/>
internal sealed class JoinTokens(AgentAuthority authority) : IJoinTokens
{
    public async Task<string> CaHashAsync(CancellationToken ct) => (await authority.GetAsync(ct)).Hash;

    public async Task<bool> TryReplaceAsync(NpgsqlConnection connection, string virtualRouter, byte[] hash, DateTimeOffset expiresAt, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO join_token (virtual_router, secret_hash, expires_at) SELECT uid, $2, $3 FROM virtual_router WHERE name = $1
            ON CONFLICT (virtual_router) DO UPDATE SET secret_hash = excluded.secret_hash, expires_at = excluded.expires_at, used_at = NULL
            """, connection);
        command.Parameters.AddRange((NpgsqlParameter[])[Sql.Value(virtualRouter), Sql.Value(hash), Sql.Time(expiresAt)]);
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }
}
