using System.Net;
using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>Notes which addresses a control node and its database server have, so that no FloatingIP gets one (table <c>infrastructure_address</c>).</summary>
internal sealed class InfrastructureStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource)
{
    /// <summary>
    /// Replaces what the control node has noted. The addresses by which it and the database server see each other are added here.
    /// Answers false when there is no such control node (yet), and a FloatingIP that has one of the addresses already: it keeps it, and an event says so once.
    /// </summary>
    /// <exception cref="PostgresException">Others held the table for more than a second (55P03), among others.</exception>
    public async Task<(bool Known, string? Conflict)> SaveAsync(
        string controlNode, IReadOnlyCollection<IPAddress> own, IReadOnlyCollection<IPAddress> database, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = new NpgsqlCommand(
            """
            WITH node AS (
                SELECT name FROM control_node WHERE name = $1 FOR KEY SHARE
            ), noted AS (
                SELECT cn2_set_infrastructure('ControlNode', name, $2 || inet_client_addr(), false) AS own,
                       cn2_set_infrastructure('Database', name, $3 || inet_server_addr(), false) AS database FROM node
            ), happened AS (
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $4, $1, now(), 'Warning', 'AddressIsFloatingIP', 'An address of the control node or of its database server, ' || held || ', which is not served as long as that is so; delete what holds it.'
                FROM (SELECT coalesce(own, database) AS held FROM noted) n WHERE held IS NOT NULL
            )
            SELECT coalesce(own, database) FROM noted
            """, connection, transaction)
        {
            Parameters =
            {
                new() { Value = controlNode }, Inet(own), Inet(database), new() { Value = (short)ResourceKind.ControlNode },
            },
        };
        // Whoever creates Services must not wait long behind this statement.
        await using (var patience = new NpgsqlCommand("SET LOCAL lock_timeout = '1s'", connection, transaction)) await patience.ExecuteNonQueryAsync(ct);
        bool known;
        string? conflict = null;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            known = await reader.ReadAsync(ct);
            if (known) conflict = reader.GetStringOrNull(0);
            await reader.FinishAsync(ct);
        }

        await transaction.CommitAsync(ct);
        return (known, conflict);
    }

    private static NpgsqlParameter Inet(IReadOnlyCollection<IPAddress> addresses) => new() { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };
}
