using CN2.Network.Status;

namespace CN2.Api.Reconcile;

/// <summary>
/// Counts the vRouters by state once a second, for /metrics and for the share of this control node, and logs those that are lost or held since the last count.
/// One line names at most ten: events of the VirtualRouters have all of them.
/// </summary>
internal sealed partial class VirtualRouterCensus(LoopState state, StateGauges gauges, AgentRelocation relocation, ILogger<VirtualRouterCensus> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const int MostNames = 10;

    private HashSet<string> _lost = [];
    private HashSet<string> _held = [];
    private HashSet<string> _blocked = [];
    private DateTimeOffset _countedAt;

    public void Take(DateTimeOffset now)
    {
        if (now - _countedAt < Interval) return;
        _countedAt = now;
        var (connected, disconnected, adminDown, here, elsewhere) = (0, 0, 0, 0, 0);
        var lost = new HashSet<string>();
        var held = new HashSet<string>();
        var blocked = new HashSet<string>();
        foreach (var account in state.Ledger.Accounts)
        {
            if (account.ConnectedHere) here++;
            else if (account.ConnectedElsewhere) elsewhere++;
            if (account.Forwarding.Status == ConditionStatus.False) blocked.Add(account.Name);
            if (state.Resources.VirtualRouter(account.Name) is { AdminDown: true }) adminDown++;
            else if (account.ConnectedHere || account.ConnectedElsewhere) connected++;
            else if (account.Lost) lost.Add(account.Name);
            else if (account.Held) held.Add(account.Name);
            else disconnected++;
        }

        gauges.Publish(new VirtualRouterCounts(connected, disconnected, held.Count, lost.Count, adminDown) { NotForwarding = blocked.Count, AgentsHere = here });
        relocation.Relieve(here + elsewhere, state.IsFeedAway);
        var newlyLost = lost.Except(_lost).ToList();
        if (newlyLost.Count > 0) LogLost(newlyLost.Count, Names(newlyLost));
        var newlyHeld = held.Except(_held).ToList();
        if (newlyHeld.Count > 0) LogHeld(newlyHeld.Count, Names(newlyHeld));
        var newlyBlocked = blocked.Except(_blocked).ToList();
        if (newlyBlocked.Count > 0) LogBlocked(newlyBlocked.Count, Names(newlyBlocked));
        (_lost, _held, _blocked) = (lost, held, blocked);
    }

    private static string Names(List<string> names) =>
        string.Join(", ", names.Order(StringComparer.Ordinal).Take(MostNames)) + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");

    [LoggerMessage(EventId = 243, Level = LogLevel.Warning, Message = "{Count} vRouters are lost, and their routes are withdrawn until their agents are back: {Names}")]
    private partial void LogLost(int count, string names);

    [LoggerMessage(EventId = 244, Level = LogLevel.Warning, Message = "{Count} vRouters are away with many others (MassLoss), and their routes stay: {Names}")]
    private partial void LogHeld(int count, string names);

    [LoggerMessage(EventId = 2450, Level = LogLevel.Warning, Message = "On the nodes of {Count} vRouters something stops the traffic (condition Forwarding): {Names}")]
    private partial void LogBlocked(int count, string names);
}
