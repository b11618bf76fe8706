using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.AgentCertificates;

/// <summary>The certificates that were issued, and the join tokens that they were issued for. Rows go with their VirtualRouter.</summary>
internal sealed class AgentCertificateTable([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source)
{
    private const string All = "SELECT c.virtual_router, v.name, c.fingerprint, c.not_after FROM agent_certificate c JOIN virtual_router v ON v.uid = c.virtual_router";

    public static Task<List<IssuedAgentCertificate>> AllAsync(NpgsqlConnection connection, CancellationToken ct) => Sql.ReadAllAsync(connection, All, Read, ct);

    /// <summary>The token with this hash; null: there is none.</summary>
    public async Task<JoinTokenRow?> FindTokenAsync(byte[] hash, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return (await Sql.ReadAllAsync(
            connection, "SELECT t.virtual_router, v.name, t.expires_at, t.used_at FROM join_token t JOIN virtual_router v ON v.uid = t.virtual_router WHERE t.secret_hash = $1",
            row => new JoinTokenRow(row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2), row.GetTimeOrNull(3)), ct, Sql.Value(hash))).FirstOrDefault();
    }

    /// <summary>Takes the token and keeps the certificate that was issued for it, both or neither. False: somebody else has taken the token.</summary>
    /// <param name="hash">Of the token.</param>
    /// <param name="certificate">The certificate.</param>
    /// <param name="serial">Its serial number.</param>
    /// <param name="audited">Its line of the audit log.</param>
    /// <param name="from">Where the agent is, for the event.</param>
    /// <param name="now">This moment.</param>
    /// <param name="ct">Ends it.</param>
    public async Task<bool> JoinAsync(byte[] hash, IssuedAgentCertificate certificate, byte[] serial, AuditEntry audited, string from, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var take = new NpgsqlCommand("UPDATE join_token SET used_at = $3 WHERE secret_hash = $1 AND virtual_router = $2 AND used_at IS NULL AND expires_at > $3", connection, transaction))
        {
            take.Parameters.AddRange((NpgsqlParameter[])[Sql.Value(hash), Sql.Value(certificate.VirtualRouter), Sql.Time(now)]);
            if (await take.ExecuteNonQueryAsync(ct) == 0) return false;
        }

        await InsertAsync(connection, transaction, certificate, serial, now, ct);
        // A token is an operator's word: it counts more than certificates that are there.
        await using (var room = new NpgsqlCommand(
            "DELETE FROM agent_certificate WHERE serial IN (SELECT serial FROM agent_certificate WHERE virtual_router = $1 ORDER BY serial = $3 DESC, issued_at DESC OFFSET $2)", connection, transaction))
        {
            room.Parameters.AddRange((NpgsqlParameter[])[Sql.Value(certificate.VirtualRouter), Sql.Value((long)Limits.CertificatesOfAgent), Sql.Value(serial)]);
            await room.ExecuteNonQueryAsync(ct);
        }

        await using (var happened = new NpgsqlCommand("INSERT INTO event (kind, name, at, type, reason, message) VALUES ($1, $2, $3, 'Normal', 'Joined', $4)", connection, transaction))
        {
            happened.Parameters.AddRange((NpgsqlParameter[])
            [
                Sql.Value((short)ResourceKind.VirtualRouter), Sql.Value(certificate.Name), Sql.Time(now),
                Sql.Value($"An agent at {from} joined with a token; its certificate is valid until {certificate.NotAfter.UtcDateTime:u}."),
            ]);
            await happened.ExecuteNonQueryAsync(ct);
        }

        await AuditAsync(connection, transaction, audited, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>Keeps a certificate that an agent renewed. False: its VirtualRouter has as many as it may have, or is gone.</summary>
    public async Task<bool> RenewAsync(IssuedAgentCertificate certificate, byte[] serial, AuditEntry audited, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // Renewals of one VirtualRouter take turns, so that the count is true.
        await using (var room = new NpgsqlCommand("SELECT 1 FROM virtual_router WHERE uid = $1 FOR NO KEY UPDATE", connection, transaction))
        {
            room.Parameters.Add(Sql.Value(certificate.VirtualRouter));
            if (await room.ScalarAsync(ct) is null) return false;
        }

        await using (var old = new NpgsqlCommand("DELETE FROM agent_certificate WHERE virtual_router = $1 AND not_after < $2", connection, transaction))
        {
            old.Parameters.AddRange((NpgsqlParameter[])[Sql.Value(certificate.VirtualRouter), Sql.Time(now)]);
            await old.ExecuteNonQueryAsync(ct);
        }

        await using (var count = new NpgsqlCommand("SELECT count(*) FROM agent_certificate WHERE virtual_router = $1", connection, transaction))
        {
            count.Parameters.Add(Sql.Value(certificate.VirtualRouter));
            if ((long)(await count.ScalarAsync(ct))! >= Limits.CertificatesOfAgent) return false;
        }

        await InsertAsync(connection, transaction, certificate, serial, now, ct);
        await AuditAsync(connection, transaction, audited, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    private static async Task AuditAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, AuditEntry entry, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { AuditTable.Insert([entry]) } };
        await batch.ExecuteNonQueryAsync(ct);
    }

    private static async Task InsertAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IssuedAgentCertificate certificate, byte[] serial, DateTimeOffset now, CancellationToken ct)
    {
        await using var insert = new NpgsqlCommand("INSERT INTO agent_certificate (serial, fingerprint, virtual_router, issued_at, not_after) VALUES ($1, $2, $3, $4, $5)", connection, transaction);
        insert.Parameters.AddRange((NpgsqlParameter[])[Sql.Value(serial), Sql.Value(certificate.Fingerprint), Sql.Value(certificate.VirtualRouter), Sql.Time(now), Sql.Time(certificate.NotAfter)]);
        await insert.ExecuteNonQueryAsync(ct);
    }

    private static IssuedAgentCertificate Read(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1), row.GetFieldValue<byte[]>(2), row.GetFieldValue<DateTimeOffset>(3));
}
