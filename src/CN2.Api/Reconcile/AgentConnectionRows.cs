using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>Which agents are connected, as rows: the statements of <see cref="AgentReportStore"/> about that. Each runs in a transaction of its caller.</summary>
internal static class AgentConnectionRows
{
    /// <summary>An agent that was heard within this time may not be replaced by another one: a heartbeat is due every 2 s, and that there was none is saved within 1.5 s.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(4.5);

    /// <summary>
    /// SQL: when the agent of a row <c>virtual_router_status s</c> was heard last, while it is connected. Of an agent that is heard regularly the row says
    /// <c>infinity</c>, and the last heartbeat of the control node says until when. A control node that has no row was not seen for <paramref name="goneAfter"/>.
    /// </summary>
    /// <param name="goneAfter">SQL of an interval, such as a parameter that is <see cref="ControlNodeLiveness.GoneAfter"/>.</param>
    /// <param name="controlNodeSeen">SQL of that heartbeat; by default of a <c>control_node c</c> that is left joined.</param>
    public static string LastHeard(string goneAfter, string controlNodeSeen = "c.last_seen_at") => $"least(s.last_seen_at, coalesce({controlNodeSeen}, now() - {goneAfter}))";

    /// <summary>SQL that is true when it was heard within this interval (<see cref="LastHeard"/>). A time in the future is not one at which it was heard: the database's clock was set back since.</summary>
    public static string IsHeard(string within, string goneAfter) =>
        $"({LastHeard(goneAfter)} > now() - {within} AND (s.last_seen_at < now() + {within} OR s.last_seen_at = 'infinity'))";

    /// <summary>What is known of the agent with this name; with a transaction its VirtualRouter is locked.</summary>
    public static async Task<KnownAgent?> KnownAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, string name, CancellationToken ct) =>
        (await KnownAsync(connection, transaction, [name], transaction is null ? "" : "FOR UPDATE OF v", ct)).GetValueOrDefault(name);

    /// <summary>
    /// What is known of the agents with these names, whose VirtualRouters are locked from now on. One that somebody else has locked is left out: the others do not
    /// wait for it.
    /// </summary>
    public static Task<Dictionary<string, KnownAgent>> LockKnownAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyCollection<string> names, CancellationToken ct) =>
        KnownAsync(connection, transaction, names, "FOR UPDATE OF v SKIP LOCKED", ct);

    private static async Task<Dictionary<string, KnownAgent>> KnownAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, IReadOnlyCollection<string> names, string rowLock, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT v.name, v.uid, v.address, v.address6, s.control_node, s.agent_instance, s.agent_source, coalesce(s.agent_connection, 0),
                   (s.connected AND {IsHeard("$2", "$3")} AND {ControlNodeLiveness.IsAlive("c", "$3")}) IS TRUE
            FROM virtual_router v LEFT JOIN virtual_router_status s ON s.uid = v.uid LEFT JOIN control_node c ON c.name = s.control_node WHERE v.name = ANY($1) {rowLock}
            """, connection, transaction)
        {
            Parameters = { Texts(names), new() { Value = Fresh }, new() { Value = ControlNodeLiveness.GoneAfter } },
        };
        command.CommandTimeout = DatabasePools.SecondsFor(names.Count);
        var known = new Dictionary<string, KnownAgent>(names.Count);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            known[reader.GetString(0)] = new KnownAgent(
                reader.GetGuid(1), reader.GetFieldValue<IPAddress>(2), Optional<IPAddress>(3), Optional<string>(4), Optional<string>(5), Optional<IPAddress>(6),
                reader.GetInt64(7), reader.GetBoolean(8));
        }

        return known;

        T? Optional<T>(int column) where T : class => reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);
    }

    /// <summary>The agent's VirtualRouter exists from now on, has the addresses that the agent says, and is connected to this control node.</summary>
    public static async Task SaveAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, VRouterHello hello, KnownAgent? known, string controlNode, DateTimeOffset now, CancellationToken ct)
    {
        var moved = known?.IsWhere(hello) == false;
        var move = moved
            ? $"Its agent is at {Both(hello.Address, hello.Address6)} now, no longer at {Both(known!.Address, known.Address6)}: its routes follow."
            : null;
        await using var command = new NpgsqlCommand(
            $$"""
            WITH made AS (
                INSERT INTO virtual_router (uid, name, address, address6, admin_down, labels, annotations, generation, created_at, updated_at)
                VALUES ($1, $2, $3, $4, false, '{}', '{}', 1, $5, $5) ON CONFLICT (name) DO NOTHING RETURNING uid, name
            ), moved AS (
                UPDATE virtual_router SET address = $3, address6 = $4, generation = generation + 1, updated_at = $5
                WHERE name = $2 AND (address <> $3 OR address6 IS DISTINCT FROM $4) RETURNING uid, name
            ), known AS (
                SELECT uid, name, true AS fresh FROM made
                UNION ALL SELECT uid, name, false FROM virtual_router WHERE name = $2 LIMIT 1
            ), status AS (
                {{Connect("(SELECT uid, fresh, $7 AS version, $9 AS engine, $10 AS instance, $11 AS source, $12 AS connection FROM known) a", "$6")}}
            ), added AS (
                {{ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Added, "known WHERE fresh", statusOnly: false)}}
            ), connected AS (
                {{ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT uid, name, NOT EXISTS (SELECT FROM moved) AS status_only FROM known WHERE NOT fresh) c", statusOnly: null)}}
            ), happened AS (
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $8, $2, $5, 'Normal', 'Connected', 'Its agent (' || $7 || ') connected to control node ' || $6 || '.' FROM known
                UNION ALL SELECT $8, $2, $5, 'Warning', 'AddressChanged', $13 FROM moved WHERE $13 IS NOT NULL
            )
            SELECT 1
            """, connection, transaction)
        {
            Parameters =
            {
                new() { Value = Guid.CreateVersion7() }, new() { Value = hello.Name }, new() { Value = hello.Address },
                new() { Value = (object?)hello.Address6 ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet },
                new() { Value = now }, new() { Value = controlNode }, new() { Value = hello.AgentVersion }, new() { Value = (short)ResourceKind.VirtualRouter },
                Text(hello.OverlayEngine), Text(hello.Instance),
                new() { Value = (object?)hello.Source ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet }, new() { Value = hello.Connection }, Text(move),
            },
        };
        await command.ExecuteNonQueryAsync(ct);

        static string Both(IPAddress address, IPAddress? address6) => address6 is null ? $"{address}" : $"{address} and {address6}";
    }

    /// <summary>The same of many whose VirtualRouters exist and are where their agents say, in one statement. It locks in the order of <see cref="AgentReportStore"/>.</summary>
    public static async Task SaveKnownAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyCollection<(VRouterHello Hello, Guid Uid)> agents, string controlNode, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            WITH known AS (
                SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::inet[], $7::bigint[]) AS k(uid, name, version, engine, instance, source, connection)
            ), status AS (
                {Connect("(SELECT *, false AS fresh FROM known) a", "$8")}
            ), happened AS (
                {ConnectedEvents("known")}
            )
            {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "known", statusOnly: true)}
            """, connection, transaction);
        AddAgents(command, [.. agents.Select(a => a.Hello)], agents.Select(a => a.Uid), controlNode, now);
        command.CommandTimeout = DatabasePools.SecondsFor(agents.Count);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Makes the VirtualRouters of agents that have none, which are connected to this control node from now on. Left out are agents whose name exists, agents with an address that another of
    /// them, a VirtualRouter, a FloatingIP or an endpoint has, and those beyond <paramref name="maximum"/> VirtualRouters. Answers the names of the others.
    /// </summary>
    public static async Task<HashSet<string>> SaveNewAsync(
        NpgsqlConnection connection, IReadOnlyCollection<VRouterHello> agents, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $$"""
            WITH asked AS MATERIALIZED (
                SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::inet[], $7::bigint[], $12::inet[], $13::inet[])
                    AS k(uid, name, version, engine, instance, source, connection, address, address6)
            ), place AS MATERIALIZED (
                SELECT name, address FROM asked UNION ALL SELECT name, address6 FROM asked WHERE address6 IS NOT NULL
            ), held AS MATERIALIZED (
                SELECT a.name FROM asked a JOIN virtual_router v ON v.name = a.name
                UNION ALL SELECT p.name FROM place p JOIN virtual_router v ON v.address = p.address
                UNION ALL SELECT p.name FROM place p JOIN virtual_router v ON v.address6 = p.address
                UNION ALL SELECT p.name FROM place p JOIN subnet s ON s.cidr >>= p.address JOIN floating_ip f ON f.subnet_id = s.id AND f.address = p.address
                UNION ALL SELECT p.name FROM place p JOIN interface_address e ON e.address = p.address
                UNION ALL SELECT name FROM (SELECT name, count(*) OVER (PARTITION BY address) AS times FROM place) d WHERE times > 1
            ), free AS MATERIALIZED (
                SELECT * FROM asked WHERE name NOT IN (SELECT name FROM held) ORDER BY name LIMIT greatest(0, $11 - (SELECT count(*) FROM virtual_router))
            ), made AS (
                INSERT INTO virtual_router (uid, name, address, address6, admin_down, labels, annotations, generation, created_at, updated_at)
                SELECT uid, name, address, address6, false, '{}', '{}', 1, $10, $10 FROM free ORDER BY name ON CONFLICT (name) DO NOTHING RETURNING uid
            ), fresh AS (
                SELECT f.* FROM free f JOIN made USING (uid)
            ), status AS (
                {{Connect("(SELECT *, true AS fresh FROM fresh) a", "$8")}}
            ), added AS (
                {{ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Added, "fresh", statusOnly: false)}}
            ), happened AS (
                {{ConnectedEvents("fresh")}}
            )
            SELECT name FROM fresh
            """, connection);
        AddAgents(command, agents, agents.Select(_ => Guid.CreateVersion7()), controlNode, now);
        command.Parameters.Add(new() { Value = (long)maximum });
        command.Parameters.Add(Addresses(agents.Select(a => a.Address)));
        command.Parameters.Add(Addresses(agents.Select(a => a.Address6)));
        command.CommandTimeout = DatabasePools.SecondsFor(agents.Count);
        var names = new HashSet<string>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) names.Add(reader.GetString(0));
        return names;
    }

    /// <summary>SQL that saves that agents are connected. One whose VirtualRouter is <c>fresh</c> counts as lost until it has answered.</summary>
    /// <param name="agents">Rows with uid, fresh, version, engine, instance, source and connection.</param>
    /// <param name="controlNode">SQL of the name of the control node that they have dialled.</param>
    private static string Connect(string agents, string controlNode) =>
        $"""
        INSERT INTO virtual_router_status AS s (uid, connected, control_node, last_seen_at, lost, desired_revision, applied_revision, applied_position,
            agent_version, overlay_engine, agent_instance, agent_source, agent_connection)
        SELECT uid, true, {controlNode}, 'infinity', fresh, 0, 0, 0, version, engine, instance, source, connection FROM {agents} ORDER BY uid
        ON CONFLICT (uid) DO UPDATE SET connected = true, control_node = excluded.control_node, last_seen_at = excluded.last_seen_at, agent_version = excluded.agent_version,
            overlay_engine = excluded.overlay_engine, applied_position = 0, applied_snapshot = NULL, agent_instance = excluded.agent_instance,
            agent_source = excluded.agent_source, agent_connection = excluded.agent_connection, held_at = NULL, vanished_at = NULL
        """;

    /// <summary>The parameters $1 to $10 of a statement about many agents: uid, name, version, engine, instance, source and connection of each; then control node, kind and time.</summary>
    private static void AddAgents(NpgsqlCommand command, IReadOnlyCollection<VRouterHello> agents, IEnumerable<Guid> uids, string controlNode, DateTimeOffset now) => command.Parameters.AddRange(new NpgsqlParameter[]
    {
        new() { Value = uids.ToArray() }, Texts(agents.Select(a => a.Name)), Texts(agents.Select(a => a.AgentVersion)),
        Texts(agents.Select(a => a.OverlayEngine)), Texts(agents.Select(a => a.Instance)), Addresses(agents.Select(a => a.Source)),
        new() { Value = agents.Select(a => a.Connection).ToArray() },
        new() { Value = controlNode }, new() { Value = (short)ResourceKind.VirtualRouter }, new() { Value = now },
    });

    /// <summary>SQL that writes the event of each of these agents; the parameters are those of <see cref="AddAgents"/>.</summary>
    /// <param name="agents">Rows with name and version.</param>
    private static string ConnectedEvents(string agents) =>
        $"""
        INSERT INTO event (kind, name, at, type, reason, message)
        SELECT $9, name, $10, 'Normal', 'Connected', 'Its agent (' || version || ') connected to control node ' || $8 || '.' FROM {agents}
        """;

    public static NpgsqlParameter Texts(IEnumerable<string?> texts) => new() { Value = texts.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static NpgsqlParameter Addresses(IEnumerable<IPAddress?> addresses) => new() { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };

    private static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
