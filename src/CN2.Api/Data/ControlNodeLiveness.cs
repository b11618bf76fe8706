using System.Linq.Expressions;
using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>
/// Which control nodes are alive: those that were seen within <see cref="GoneAfter"/> by the database's clock, because their own may differ. A time in
/// the future is no time at which one was seen: the database's clock was set back since.
/// </summary>
public static class ControlNodeLiveness
{
    /// <summary>A control node that was not seen for this long is gone.</summary>
    public static readonly TimeSpan GoneAfter = 3 * ControlNodeStore.BeatInterval;

    /// <summary>For a query of rows: the control node is alive.</summary>
    public static readonly Expression<Func<ControlNodeRow, bool>> IsAliveRow =
        n => n.LastSeenAt >= CN2DbContext.Now() - GoneAfter && n.LastSeenAt <= CN2DbContext.Now() + GoneAfter;

    /// <summary>SQL that is true while a row of <c>control_node</c> is one of a control node that is alive.</summary>
    /// <param name="row">The table or its alias.</param>
    /// <param name="goneAfter">SQL of an interval, such as a parameter that is <see cref="GoneAfter"/>.</param>
    /// <param name="now">The database's clock.</param>
    public static string IsAlive(string row, string goneAfter, string now = "now()") =>
        $"{row}.last_seen_at BETWEEN {now} - {goneAfter} AND {now} + {goneAfter}";
}
