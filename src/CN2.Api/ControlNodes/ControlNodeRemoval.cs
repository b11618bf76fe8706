using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Writes;

namespace CN2.Api.ControlNodes;

/// <summary>An operator's word that a control node, and its engine with it, is gone.</summary>
internal static class ControlNodeRemoval
{
    public static ApiProblem Missing(string name) => ApiProblem.NotFound($"ControlNode {name}");

    /// <summary>
    /// Removes the announcements of a control node and its row. The row is locked, so that a heartbeat waits: a control node that was alive
    /// all the same finds itself unknown then, and writes its announcements again.
    /// </summary>
    public static async Task<WriteOutcome> DeclareDeadAsync(WriteScope scope, string name, CancellationToken ct)
    {
        // PostgreSQL's text has no NUL, so no control node is called so.
        if (name.Contains('\0', StringComparison.Ordinal)) return Missing(name);
        // clock_timestamp: the row may have been locked by a heartbeat that ended after this transaction began.
        var alive = await Sql.ReadAllAsync(scope.Connection,
            $"SELECT {ControlNodeLiveness.IsAlive("c", "$2", now: "clock_timestamp()")} FROM control_node c WHERE c.name = $1 FOR UPDATE", r => r.GetBoolean(0), ct, Sql.Value(name), Sql.Value(ControlNodeLiveness.GoneAfter));
        if (alive is [true]) return ApiProblem.Alive(name);
        var withdrawn = await Sql.ReadAllAsync(scope.Connection,
            "DELETE FROM advertisement WHERE control_node = $1 RETURNING floating_ip_uid", r => r.GetGuid(0), ct, Sql.Value(name));
        if (alive.Count == 0 && withdrawn.Count == 0) return Missing(name);
        foreach (var floatingIP in withdrawn) scope.Changes.Modified(ResourceKind.Announcements, null, name, floatingIP, statusOnly: true);
        await scope.ExecuteAsync(
            [
                Sql.Command("DELETE FROM control_node WHERE name = $1", Sql.Value(name)),
                Sql.Command("DELETE FROM agents_applied WHERE control_node = $1", Sql.Value(name)),
                Sql.Command(
                    """
                    INSERT INTO event (kind, name, at, type, reason, message)
                    VALUES ($1, $2, now(), 'Warning', 'DeclaredDead', 'An operator declared the control node dead; its announcements of ' || $3 || ' addresses count as gone.')
                    """,
                    Sql.Value((short)ResourceKind.ControlNode), Sql.Value(name), Sql.Value(withdrawn.Count)),
            ],
            ct);
        return new WriteOutcome.Gone();
    }
}
