using CN2.Api.Options;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>Holds back what may not be sent yet while the control node starts; <see cref="StartupState"/> has the rules, this adds the time.</summary>
internal sealed class StartupGate(VRouterOptions options)
{
    /// <summary>vRouters wait this long for a speaker that does not answer, and then get their configuration without it.</summary>
    public static readonly TimeSpan SpeakerPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A status that is drafted in the first moment says that the speaker and the vRouters have not answered. Statuses wait for these answers, this long at most, and for agents that are
    /// connected here <see cref="VRouterOptions.LostAfter"/>. Otherwise each restart would write an event for every Service, and correct it a moment later.
    /// </summary>
    public static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(5);

    /// <summary>The first round of the loop. Everything was read before it, and however long that took: speaker and agents could not be served meanwhile.</summary>
    private DateTimeOffset? _runsSince;
    private DateTimeOffset? _holdUntil;
    private bool _tellsStatuses;

    public StartupState State { get; private set; } = StartupState.Initial;

    public void AnnouncedBefore() => Move(StartupEvent.AnnouncedBefore);

    /// <param name="found">How many paths the speaker held.</param>
    /// <param name="adopted">How many of them are wanted.</param>
    public void SpeakerAnswered(int found, int adopted) => Move(
        found == 0 ? StartupEvent.SpeakerEmpty
        : adopted < found ? StartupEvent.SpeakerHoldsUnwantedPaths
        : StartupEvent.SpeakerHoldsWantedPaths);

    public void FirstSetTaken(DateTimeOffset now)
    {
        _holdUntil = now + RouteSequencer.EntryHold;
        Move(StartupEvent.FirstSetTaken);
    }

    public void AgentsAnswered() => Move(StartupEvent.AgentsAnswered);

    /// <summary>Moves on by time, and asks for the next round when time will move it.</summary>
    public void Tick(DateTimeOffset now, NextTick next)
    {
        var runsSince = _runsSince ??= now;
        if (_holdUntil <= now) Move(StartupEvent.HoldOver);
        if (now - runsSince > SpeakerPatience) Move(StartupEvent.PatienceOver);
        if (now - runsSince > options.LostAfter) Move(StartupEvent.LostAfterOver);
        if (State.Phase == StartupPhase.HoldingEntries) next.NoLaterThan(_holdUntil);
    }

    /// <summary>Statuses may be written: there is nothing left that the start waits for, or it took too long (<see cref="StatusPatience"/>).</summary>
    /// <param name="now">The time.</param>
    /// <param name="accounts">All vRouters.</param>
    public bool TellsStatuses(DateTimeOffset now, IEnumerable<VirtualRouterLedger.Account> accounts)
    {
        if (_tellsStatuses) return true;
        var waited = now - _runsSince;
        return _tellsStatuses = (waited > StatusPatience && (waited > options.LostAfter || !accounts.Any(a => a.ConnectedHere && !a.HasAnswered)))
            || (State.HasFirstSet && accounts.All(a => a.HasAnswered || !a.Counts));
    }

    private void Move(StartupEvent startupEvent) => State = State.After(startupEvent);
}
