using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using Npgsql;
using NpgsqlTypes;
using HeartbeatProtocol = CN2.VRouter.V1.HeartbeatProtocol;

namespace CN2.Api.Reconcile;

/// <summary>
/// What agents report, as rows. Every call is one statement or one short transaction, and writes the change rows that go with it. The
/// time at which an agent was seen is the database's, because the clocks of the replicas may differ. Rows of virtual_router_status are locked in the
/// order of their uid, by every statement that changes several: each would otherwise lock them in the order of its plan, and two could wait for each other.
/// </summary>
internal sealed class AgentReportStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal) : IAgentReportStore
{
    private const int ConnectAttempts = 3;
    private const short VirtualRouterKind = (short)ResourceKind.VirtualRouter;

    /// <summary>This process, among those that were started under the name of this control node.</summary>
    private readonly Guid _run = Guid.NewGuid();

    /// <summary>
    /// An agent that was heard within this time is heard regularly: a heartbeat is due every <see cref="HeartbeatProtocol.Interval"/>, and may be a quarter of it late. Its row says <c>infinity</c> for as long as that is so, and does
    /// not change; until when it was so, its control node's own heartbeat says (<see cref="AgentConnectionRows.LastHeard"/>).
    /// </summary>
    public static readonly TimeSpan HeardWithin = 1.25 * HeartbeatProtocol.Interval;

    /// <summary>An agent that was not heard for this long has missed a heartbeat, and that there was none is saved within 1.5 s.</summary>
    public static readonly TimeSpan Silent = HeartbeatProtocol.Interval + TimeSpan.FromSeconds(1.5);

    /// <summary>The stream of an agent that was not heard for this long ends.</summary>
    public static readonly TimeSpan StreamEnds = HeartbeatProtocol.Patience;

    /// <summary>How long after its last attempt an agent that was refused is still named in conditions. Agents try at least every 2 s.</summary>
    public static readonly TimeSpan IntruderStays = TimeSpan.FromSeconds(15);

    /// <summary>Whether the agent may connect; null: it may. The answer is a forecast: <see cref="ConnectAsync"/> decides.</summary>
    public async Task<AgentRefusal?> JudgeAsync(VRouterHello hello, string controlNode, int maximum, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        return (await JudgeAsync(connection, null, hello, controlNode, maximum, ct)).Refusal;
    }

    /// <summary>
    /// An agent has dialled this replica: its VirtualRouter exists from now on (docs/contract.md §3: an agent that connects creates its own),
    /// has the addresses that the agent says, and is connected here. Answers why not, or null.
    /// </summary>
    /// <param name="maximum">Agents make no VirtualRouter beyond this number.</param>
    public async Task<AgentRefusal?> ConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct)
    {
        // A row that another replica makes for this name at this moment is in the way of the INSERT, by its name or by its address, and not yet
        // in the snapshot of the judgement. The next attempt sees it.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryConnectAsync(hello, controlNode, maximum, now, ct);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation)
            {
                if (attempt == ConnectAttempts)
                    return new AgentRefusal(AgentRefusalReason.AddressTaken, $"the address {hello.Address} or the name {hello.Name} has just been taken by another VirtualRouter or FloatingIP");
            }
        }
    }

    private async Task<AgentRefusal?> TryConnectAsync(VRouterHello hello, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var (refusal, known) = await JudgeAsync(connection, transaction, hello, controlNode, maximum, ct);
        if (refusal is not null) return refusal;
        await AgentConnectionRows.SaveAsync(connection, transaction, hello, known, controlNode, now, ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return null;
    }

    /// <summary>
    /// The same for many agents that have dialled this replica, in one short transaction: a herd waits for few round trips. Taken are those whose VirtualRouters
    /// exist, are locked by nobody else, are where their agents say, and are not somebody else's: nothing else is to be asked about them. Answers which; the others are for
    /// <see cref="ConnectAsync"/>.
    /// </summary>
    public async Task<IReadOnlyCollection<VRouterHello>> ConnectKnownAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var known = await AgentConnectionRows.LockKnownAsync(connection, transaction, [.. hellos.Select(h => h.Name)], ct);
        var taken = new List<(VRouterHello Hello, Guid Uid)>(hellos.Count);
        foreach (var hello in hellos)
        {
            if (known.GetValueOrDefault(hello.Name) is { } agent && (hello.Uid is null || hello.Uid == agent.Uid) && agent.IsWhere(hello)
                && AgentConnection.Judge(hello, agent, controlNode) is null)
                taken.Add((hello, agent.Uid));
        }

        if (taken.Count == 0) return [];
        await AgentConnectionRows.SaveKnownAsync(connection, transaction, taken, controlNode, now, ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return [.. taken.Select(t => t.Hello)];
    }

    /// <summary>
    /// The same for many agents that have no VirtualRouter yet, in one statement: each new VirtualRouter that is saved alone makes every control node go over its Services once. Taken
    /// are those whose addresses are nobody's, as long as agents may make VirtualRouters. Answers which; the others are for <see cref="ConnectAsync"/>.
    /// </summary>
    /// <exception cref="PostgresException">Of class 23: another control node has just saved an agent with an address of one of them. None was taken.</exception>
    public async Task<IReadOnlyCollection<VRouterHello>> ConnectNewAsync(IReadOnlyCollection<VRouterHello> hellos, string controlNode, int maximum, DateTimeOffset now, CancellationToken ct)
    {
        // The VirtualRouter of an agent with a certificate is made when it joins; where it is gone, ConnectAsync says so.
        var without = hellos.Where(h => h.Uid is null).ToList();
        if (without.Count == 0) return [];
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        var made = await AgentConnectionRows.SaveNewAsync(connection, without, controlNode, maximum, now, ct);
        if (made.Count == 0) return [];
        signal.Set();
        return [.. hellos.Where(h => made.Contains(h.Name))];
    }

    private static async Task<(AgentRefusal? Refusal, KnownAgent? Known)> JudgeAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, VRouterHello hello, string controlNode, int maximum, CancellationToken ct)
    {
        var known = await AgentConnectionRows.KnownAsync(connection, transaction, hello.Name, ct);

        // One that was made anew under the same name is another one.
        if (hello.Uid is { } uid && known?.Uid != uid) return (AgentConnection.Deleted(hello.Name), known);
        if (known is not null && AgentConnection.Judge(hello, known, controlNode) is { } refusal) return (refusal, known);
        if (known?.IsWhere(hello) == true) return (null, known);

        await using var holders = new NpgsqlCommand(
            """
            SELECT (SELECT v.name || ' ' || host(CASE WHEN v.address = ANY($2) THEN v.address ELSE v.address6 END)
                    FROM virtual_router v WHERE v.name <> $1 AND (v.address = ANY($2) OR v.address6 = ANY($2)) ORDER BY v.name LIMIT 1),
                   (SELECT count(*) FROM virtual_router),
                   (SELECT host(f.address) || ' ' || f.namespace || '/' || f.name FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id AND f.address = ANY($2)
                    WHERE s.cidr >>= ANY($2) AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.kind = 'VirtualRouter' AND i.name = $1 AND i.address = f.address)
                    LIMIT 1),
                   (SELECT host(e.address) || ' ' || v.namespace || '/' || v.name FROM interface_address e JOIN virtual_machine_interface v ON v.uid = e.interface_uid
                    WHERE e.address = ANY($2) AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.kind = 'VirtualRouter' AND i.name = $1 AND i.address = e.address)
                    LIMIT 1),
                   (SELECT host(o.address) || ' ' || o.kind || ' ' || o.name FROM infrastructure_address o
                    WHERE o.address = ANY($2) AND o.kind <> 'VirtualRouter' AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.kind = 'VirtualRouter' AND i.name = $1 AND i.address = o.address)
                    ORDER BY o.kind, o.name LIMIT 1),
                   (SELECT host(a) || ' ' || place FROM unnest($2) a,
                           LATERAL (SELECT CASE WHEN a <<= inet '169.254.0.0/16' THEN 'link-local'
                                                ELSE (SELECT coalesce(n.namespace || '/' || n.name, 'service') FROM subnet s LEFT JOIN external_network n ON n.uid = s.external_network_uid
                                                      WHERE s.cidr >>= a ORDER BY s.id LIMIT 1) END) p(place)
                    WHERE place IS NOT NULL AND NOT EXISTS (SELECT FROM infrastructure_address i WHERE i.kind = 'VirtualRouter' AND i.name = $1 AND i.address = a)
                    LIMIT 1)
            """, connection, transaction)
        {
            Parameters = { new() { Value = hello.Name }, new() { Value = Addresses(hello), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet } },
        };
        await using var found = await holders.ExecuteReaderAsync(ct);
        await found.ReadAsync(ct);
        if (!found.IsDBNull(0) && found.GetString(0).Split(' ') is [var holder, var taken]) return (AgentConnection.AddressTaken(IPAddress.Parse(taken), holder), known);
        if (!found.IsDBNull(2) && found.GetString(2).Split(' ') is [var held, var floatingIP]) return (AgentConnection.AddressIsFloatingIP(IPAddress.Parse(held), floatingIP), known);
        if (!found.IsDBNull(3) && found.GetString(3).Split(' ') is [var served, var endpoint]) return (AgentConnection.AddressIsEndpoint(IPAddress.Parse(served), endpoint), known);
        // The operator has said where the VirtualRouter of a certificate is, and may say that it is beside a control node. The agent may not, and
        // what it took from a network or from the service network would be refused to tenants.
        if (hello.Uid is not null && !found.IsDBNull(5) && found.GetString(5).Split(' ') is [var inside, var place])
        {
            var (where, kindOfPlace) = place switch
            {
                "link-local" => ("169.254.0.0/16 (link-local)", "169.254.0.0/16 (link-local)"),
                "service" => ("the service network", "the service network"),
                _ => ($"ExternalNetwork {place}", "an ExternalNetwork"),
            };
            return (AgentConnection.AddressIsOthers(IPAddress.Parse(inside), where, kindOfPlace, hello.Name), known);
        }

        if (hello.Uid is not null && !found.IsDBNull(4) && found.GetString(4).Split(' ', 3) is [var infrastructure, var kind, var name])
            return (AgentConnection.AddressIsInfrastructure(IPAddress.Parse(infrastructure), BlockedAddresses.Whose(kind, name), hello.Name), known);
        return (known is null && found.GetInt64(1) >= maximum ? AgentConnection.TooMany(hello.Name, maximum) : null, known);
    }

    /// <summary>
    /// An agent was refused: the VirtualRouters concerned, the one of its name and those of its addresses, say so while it goes on trying.
    /// </summary>
    public Task SaveIntruderAsync(VRouterHello hello, AgentRefusal refusal, DateTimeOffset now, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH concerned AS (
            SELECT uid, name FROM virtual_router v WHERE v.name = $1 OR ($2 = 'AddressTaken' AND (v.address = ANY($3) OR v.address6 = ANY($3)))
        ), former AS (
            SELECT i.uid FROM virtual_router_intruder i JOIN concerned c ON c.uid = i.uid WHERE i.reason = $2 AND i.message = $4
        ), saved AS (
            INSERT INTO virtual_router_intruder AS i (uid, reason, message, since, last_at)
            SELECT uid, $2, $4, now(), now() FROM concerned
            ON CONFLICT (uid, reason) DO UPDATE SET last_at = now(), message = $4
            WHERE i.last_at NOT BETWEEN now() - interval '2 seconds' AND now() OR i.message <> $4
        ), news AS (
            SELECT uid, name FROM concerned WHERE uid NOT IN (SELECT uid FROM former)
        ), happened AS (
            INSERT INTO event (kind, name, at, type, reason, message) SELECT $5, name, $6, 'Warning', $2, $4 FROM news
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "news", statusOnly: true)}
        """,
        ct,
        new() { Value = hello.Name },
        new() { Value = refusal.Reason.ToString() },
        new() { Value = Addresses(hello), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet },
        new() { Value = $"An agent at {hello.Source?.ToString() ?? "an unknown address"} is refused: {refusal.Message}." },
        new() { Value = VirtualRouterKind },
        new() { Value = now });

    /// <summary>For the leader: agents that were refused and try no longer are forgotten.</summary>
    public Task ForgetIntrudersAsync(CancellationToken ct) => ExecuteAsync(
        $"""
        WITH gone AS (
            DELETE FROM virtual_router_intruder i USING virtual_router v WHERE v.uid = i.uid AND i.last_at NOT BETWEEN now() - $1 AND now() + $1 RETURNING v.uid, v.name
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT DISTINCT uid, name FROM gone) c", statusOnly: true)}
        """,
        ct,
        new NpgsqlParameter { Value = IntruderStays });

    /// <summary>
    /// Agents are no longer connected to this replica; <paramref name="ends"/> null: all of them, because the replica restarted. They were heard until its
    /// last heartbeat, so this comes before its next one.
    /// </summary>
    public Task DisconnectAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, CancellationToken ct) => EndAsync(controlNode, ends, vanished: false, ct);

    /// <summary>The same of agents whose nodes are gone, as agents of other nodes say: <see cref="MarkLostAsync"/> does not wait for them.</summary>
    public Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct) => EndAsync(controlNode, ends, vanished: true, ct);

    /// <summary>In any case the agent was heard before now: a node that has vanished was not seen since.</summary>
    private Task EndAsync(string controlNode, IReadOnlyCollection<AgentEnd>? ends, bool vanished, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH locked AS MATERIALIZED (
            SELECT s.uid, v.name,
                   CASE WHEN $2::text[] IS NULL THEN {AgentConnectionRows.LastHeard("$6")} ELSE least(s.last_seen_at, now() - greatest(e.silence, interval '1 microsecond')) END AS seen
            FROM virtual_router_status s JOIN virtual_router v ON v.uid = s.uid LEFT JOIN control_node c ON c.name = s.control_node
                LEFT JOIN unnest($2::text[], $5::interval[]) AS e(name, silence) ON e.name = v.name
            WHERE s.connected AND s.control_node = $1 AND ($2::text[] IS NULL OR e.name IS NOT NULL)
            ORDER BY s.uid FOR NO KEY UPDATE OF s
        ), gone AS (
            UPDATE virtual_router_status s SET connected = false, last_seen_at = l.seen, vanished_at = CASE WHEN $4 THEN now() END FROM locked l
            WHERE l.uid = s.uid
            RETURNING l.uid, l.name
        ), happened AS (
            INSERT INTO event (kind, name, at, type, reason, message)
            SELECT $3, name, now(), 'Warning', CASE WHEN $4 THEN 'Vanished' ELSE 'Disconnected' END,
                CASE WHEN $4 THEN 'Nothing is heard of its agent by control node ' || $1 || ', and its node does not answer: its routes are withdrawn.'
                ELSE 'The stream of its agent to control node ' || $1 || ' ended; if it stays away its routes are withdrawn.' END FROM gone
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "gone", statusOnly: true)}
        """,
        ct,
        new() { Value = controlNode },
        new() { Value = (object?)ends?.Select(e => e.Name).ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
        new() { Value = VirtualRouterKind },
        new() { Value = vanished },
        new() { Value = (object?)ends?.Select(e => e.Silence).ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval },
        new() { Value = ControlNodeLiveness.GoneAfter });

    /// <summary>
    /// Saves the progress of agents with a stream to this replica. <paramref name="answered"/>: those that have acknowledged their whole
    /// configuration and so are no longer lost. An agent that is overdue is saved as one that is away since it was last in time:
    /// <see cref="MarkLostAsync"/> judges it like any other. The row of one that has become silent says since when; when the stream must have ended since, the agent
    /// is not connected by that. A row that says everything already is neither locked nor written: an agent that only sends heartbeats costs no row.
    /// </summary>
    public Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct)
    {
        var forwarding = progress.Select(p => p.Forwarding is null ? null : NodeForwarding.Parse(p.Forwarding)).ToList();
        return ExecuteAsync(
            $"""
            WITH p AS (
                SELECT *, NOT overdue AND silence < $17 AS heard FROM unnest($1::text[], $2::interval[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $11::text[], $12::text[], $13::boolean[], $14::text[], $15::text[], $16::text[])
                    AS p(name, silence, desired, applied, position, version, message, refused, snapshot, overdue, forwarding, forwards, why)
            ), before AS MATERIALIZED (
                SELECT v.uid, v.name, s.lost AND v.name = ANY($8) AS back, s.message IS DISTINCT FROM p.message OR s.applied_revision <> p.applied OR s.connected <> n.connected
                           OR s.refused IS DISTINCT FROM p.refused OR s.forwarding IS DISTINCT FROM p.forwarding AS news,
                       n.connected, t.seen, t.held, p.desired, p.applied, p.position, p.version, p.message, p.refused, p.snapshot, s.connected AND p.overdue AS late,
                       p.forwarding, s.forwards IS DISTINCT FROM p.forwards AS turned, s.forwards AS forwarded, p.forwards, p.why
                FROM p JOIN virtual_router v ON v.name = p.name JOIN virtual_router_status s ON s.uid = v.uid,
                    LATERAL (SELECT NOT p.overdue AND (s.connected OR p.silence < $18) AS connected) n,
                    LATERAL (SELECT CASE WHEN p.heard THEN 'infinity' WHEN n.connected OR NOT isfinite(s.last_seen_at) THEN now() - p.silence ELSE s.last_seen_at END AS seen,
                                    CASE WHEN NOT n.connected THEN s.held_at END AS held) t
                WHERE s.control_node = $9 AND ((s.lost AND v.name = ANY($8))
                    OR (s.connected, s.last_seen_at, s.held_at, s.desired_revision, s.applied_revision, s.applied_position, s.applied_snapshot, s.agent_version, s.message, s.refused, s.forwarding, s.forwards)
                        IS DISTINCT FROM (n.connected, t.seen, t.held, p.desired, p.applied, p.position, p.snapshot, p.version, p.message, p.refused, p.forwarding, p.forwards))
                ORDER BY s.uid FOR NO KEY UPDATE OF s
            ), saved AS (
                UPDATE virtual_router_status s SET connected = b.connected, last_seen_at = b.seen, held_at = b.held, desired_revision = b.desired, applied_revision = b.applied,
                    applied_position = b.position, applied_snapshot = b.snapshot, agent_version = b.version, message = b.message, refused = b.refused,
                    lost = s.lost AND NOT b.back, forwarding = b.forwarding, forwards = b.forwards, forwards_since = CASE WHEN b.turned THEN now() ELSE s.forwards_since END
                FROM before b WHERE s.uid = b.uid
            ), happened AS (
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $10, name, now(), 'Normal', 'Programmed', 'Its tables hold everything it must carry; its routes can go out.' FROM before WHERE back
                UNION ALL SELECT $10, name, now(), 'Warning', 'NotAcknowledging', coalesce(message, '') FROM before WHERE late
                UNION ALL SELECT $10, name, now(), 'Warning', 'NotForwarding', why FROM before WHERE turned AND forwards = 'False'
                UNION ALL SELECT $10, name, now(), 'Warning', 'MayNotForward', why FROM before WHERE turned AND forwards = 'Unknown'
                UNION ALL SELECT $10, name, now(), 'Normal', 'Forwarding', why FROM before WHERE turned AND forwards = 'True' AND forwarded IS NOT NULL
            )
            {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT uid, name, NOT back AS status_only FROM before WHERE back OR news) c", statusOnly: null)}
            """,
            ct,
            new() { Value = progress.Select(p => p.Name).ToArray() },
            new() { Value = progress.Select(p => p.Silence).ToArray() },
            new() { Value = progress.Select(p => (long)p.DesiredRevision).ToArray() },
            new() { Value = progress.Select(p => (long)p.AppliedRevision).ToArray() },
            // The transaction before which it has applied all: what a replica of the version before reads (StateReader).
            new() { Value = progress.Select(p => p.Applied is { Seen.Xmin: > 0 } applied ? (long)(applied.Seen.Xmin - 1) : 0).ToArray() },
            new() { Value = progress.Select(p => p.AgentVersion).ToArray() },
            new() { Value = progress.Select(p => p.Message).ToArray() },
            new() { Value = answered.ToArray() },
            new() { Value = controlNode },
            new() { Value = VirtualRouterKind },
            new() { Value = progress.Select(p => p.Refused).ToArray() },
            new() { Value = progress.Select(p => p.Applied?.ToString()).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            new() { Value = progress.Select(p => p.Overdue).ToArray() },
            AgentConnectionRows.Texts(progress.Select(p => p.Forwarding)),
            AgentConnectionRows.Texts(forwarding.Select(f => f?.Status.ToString())),
            AgentConnectionRows.Texts(forwarding.Select(f => f?.Message)),
            new() { Value = HeardWithin },
            new() { Value = StreamEnds });
    }

    /// <summary>
    /// This process is the control node now. What one before it said of all its agents counts no more; if that one was only stopped and goes on, it has nothing to say
    /// (<see cref="ShareAsync"/>).
    /// </summary>
    public async Task EnterAsync(string controlNode, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            "INSERT INTO agents_applied (control_node, run, position, behind) VALUES ($1, $2, '', '{}') ON CONFLICT (control_node) DO UPDATE SET run = excluded.run, position = '', behind = '{}'");
        command.Parameters.Add(new() { Value = controlNode });
        command.Parameters.Add(new() { Value = _run });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Saves what all agents of a control node have applied, and wakes the other control nodes. Nobody here waits for it. Nothing is saved when another process has
    /// become the control node (<see cref="EnterAsync"/>).
    /// </summary>
    public async Task ShareAsync(AgentsApplied applied, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            """
            INSERT INTO agents_applied AS a (control_node, position, behind, run) VALUES ($1, $2, $3, $4)
            ON CONFLICT (control_node) DO UPDATE SET position = excluded.position, behind = excluded.behind WHERE a.run = excluded.run
            """);
        command.Parameters.Add(new() { Value = applied.ControlNode });
        command.Parameters.Add(new() { Value = applied.Position.ToString() });
        command.Parameters.Add(AgentConnectionRows.Texts(applied.Behind));
        command.Parameters.Add(new() { Value = _run });
        if (await command.ExecuteNonQueryAsync(ct) > 0) signal.SetOfOthers();
    }

    /// <summary>
    /// For the leader: agents of replicas that are gone become disconnected, and agents that have been away for too long, or whose nodes have vanished
    /// (<see cref="VanishAsync"/>), become lost. A replica that was not seen for <paramref name="goneAfter"/> is gone.
    /// <para>
    /// Many at once are none (docs/contract.md §3): when too many vRouters would be lost within the time that <paramref name="rule"/>
    /// names, those that are away are held (<c>held_at</c>) instead, and stay held until fewer have been away for half of
    /// <see cref="LossRule.LostAfter"/>. Counted are vRouters that carry routes: those that are away now, and those that were marked as lost that recently. What was
    /// marked before the others went away stays lost. An agent that is silent counts as away although its stream has not ended yet: that takes
    /// 6 s, and not at the same moment for each.
    /// </para>
    /// A time in the future is no time at which somebody was seen, held or lost: the database's clock was set back since. Nothing happens when the lease is no
    /// longer held.
    /// </summary>
    /// <param name="carriers">Names of the vRouters that carry routes.</param>
    /// <returns>How many are held.</returns>
    public async Task<int> MarkLostAsync(
        LeaderLease lease, TimeSpan goneAfter, LossRule rule, IReadOnlyCollection<string> carriers, CancellationToken ct)
    {
        const string isDue = "NOT s.connected AND (s.last_seen_at NOT BETWEEN now() - $2 AND now() + $2 OR (s.vanished_at > s.last_seen_at AND NOT (s.vanished_at > now() - $10 AND s.vanished_at < now() + $10)))";
        static string IsHeld(string heldAt, string within) => $"{heldAt} BETWEEN now() - {within} AND now() + $2";
        // No join in `locked`: after waiting for a row PostgreSQL looks at the new one, but would join it with the control node of the old one.
        await using var command = dataSource.CreateCommand(
            $"""
            WITH locked AS MATERIALIZED (
                SELECT s.uid, s.connected, {AgentConnectionRows.LastHeard("$1", "(SELECT c.last_seen_at FROM control_node c WHERE c.name = s.control_node)")} AS seen FROM virtual_router_status s
                WHERE {LeaderLease.IsHeld("$7", "$8")}
                  AND CASE WHEN s.connected THEN NOT EXISTS (SELECT FROM control_node c WHERE c.name = s.control_node AND {ControlNodeLiveness.IsAlive("c", "$1")})
                      ELSE NOT s.lost AND {isDue} AND ({IsHeld("s.held_at", "$2 / 4")}) IS NOT TRUE END
                ORDER BY s.uid FOR NO KEY UPDATE
            ), orphaned AS (
                UPDATE virtual_router_status s SET connected = false, last_seen_at = l.seen FROM locked l, virtual_router v
                WHERE l.uid = s.uid AND l.connected AND v.uid = s.uid
                RETURNING v.uid, v.name
            ), away AS (
                SELECT v.uid, v.name, v.name = ANY($4) AS carries, {isDue} AS due, s.held_at
                FROM virtual_router_status s JOIN virtual_router v ON v.uid = s.uid LEFT JOIN control_node c ON c.name = s.control_node
                WHERE {LeaderLease.IsHeld("$7", "$8")} AND NOT s.lost AND s.last_seen_at IS NOT NULL
                  AND (NOT s.connected OR NOT {AgentConnectionRows.IsHeard("$6", "$1")} OR s.uid IN (SELECT uid FROM orphaned))
            ), recent AS (
                SELECT count(*) AS number FROM virtual_router_status s WHERE s.lost AND s.lost_at > now() - $9 AND s.lost_at < now() + $9
            ), mass AS (
                SELECT (SELECT count(*) FROM away WHERE carries) + number
                    >= CASE WHEN $5 > 0 THEN $5 ELSE greatest(2, (cardinality($4) + number + 1) / 2) END AS yes FROM recent
            ), held AS (
                UPDATE virtual_router_status s SET held_at = now() FROM locked l, away a, mass
                WHERE l.uid = s.uid AND a.uid = s.uid AND NOT l.connected AND a.due AND mass.yes
                RETURNING a.uid, a.name, a.held_at IS NULL AS news
            ), lost AS (
                UPDATE virtual_router_status s SET lost = true, held_at = NULL, lost_at = CASE WHEN a.carries THEN now() END FROM locked l, away a, mass
                WHERE l.uid = s.uid AND a.uid = s.uid AND NOT l.connected AND a.due AND NOT mass.yes AND ({IsHeld("s.held_at", "$2 / 2")}) IS NOT TRUE
                RETURNING a.uid, a.name
            ), happened AS (
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $3, name, now(), 'Warning', 'Lost', 'Its agent has been away too long: its routes are withdrawn until it is back.' FROM lost
                UNION ALL SELECT $3, name, now(), 'Warning', 'MassLoss', 'Its agent has been away too long, but so have others at the same time: its routes stay.' FROM held WHERE news
                UNION ALL SELECT $3, name, now(), 'Warning', 'Disconnected', 'The control node of its agent is gone; if the agent finds no other its routes are withdrawn.' FROM orphaned
            ), changed AS (
                {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT uid, name, true AS status_only FROM orphaned UNION ALL SELECT uid, name, true FROM held WHERE news UNION ALL SELECT uid, name, false FROM lost) c", statusOnly: null)}
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM away, mass WHERE due AND (mass.yes OR {IsHeld("held_at", "$2 / 2")}))
            """);
        NpgsqlParameter[] parameters =
        [
            new() { Value = goneAfter }, new() { Value = rule.LostAfter }, new() { Value = VirtualRouterKind },
            new() { Value = carriers.ToArray() }, new() { Value = (long)rule.AtOnceLimit }, new() { Value = Silent }, new() { Value = lease.Run }, new() { Value = lease.Fence },
            new() { Value = rule.AtOnceWithin }, new() { Value = rule.VanishedAfter },
        ];
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var (changed, held) = (reader.GetInt64(0), reader.GetInt64(1));
        await reader.FinishAsync(ct);
        if (changed > 0) signal.Set();
        return (int)held;
    }

    private static IPAddress[] Addresses(VRouterHello hello) => hello.Address6 is { } address6 ? [hello.Address, address6] : [hello.Address];

    private async Task ExecuteAsync(string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.CommandTimeout = DatabasePools.SecondsFor(parameters.Max(p => (p.Value as Array)?.Length ?? 0));
        command.Parameters.AddRange(parameters);
        if (await command.ExecuteNonQueryAsync(ct) > 0) signal.Set();
    }
}
