using CN2.Api.Data;
using CN2.Api.Secrets;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>The CA that the server made itself: one row, which all replicas share. Its key is protected (<see cref="ISecretProtection"/>).</summary>
internal sealed class AgentCaTable([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, ISecretProtection secrets)
{
    /// <summary>The certificate, and the key as it is stored; null: there is no CA yet.</summary>
    public async Task<(string Certificate, string StoredKey)?> FindAsync(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        var rows = await Sql.ReadAllAsync(connection, "SELECT certificate, private_key FROM agent_ca", row => (row.GetString(0), row.GetString(1)), ct);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>Keeps a new CA, unless another replica has made one meanwhile.</summary>
    /// <exception cref="SecretsLockedException">The key cannot be protected.</exception>
    public async Task<bool> AddAsync(string certificate, string key, DateTimeOffset now, CancellationToken ct)
    {
        var stored = await secrets.ProtectAsync(key, ProtectedColumn.AgentCaKey.Purpose, ct);
        await using var command = source.CreateCommand("INSERT INTO agent_ca (certificate, private_key, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
        command.Parameters.Add(Sql.Value(certificate));
        command.Parameters.Add(Sql.Value(stored));
        command.Parameters.Add(Sql.Time(now));
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    /// <exception cref="SecretUnreadableException">This replica cannot read it; the message says what to do.</exception>
    public Task<string> UnprotectAsync(string storedKey, CancellationToken ct) => secrets.UnprotectAsync(storedKey, ProtectedColumn.AgentCaKey.Purpose, ct);
}
