using CN2.Api.Options;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>Holds back what may not be sent yet while the control node starts; <see cref="StartupState"/> has the rules, this adds the time.</summary>
internal sealed class StartupGate(LoopClock clock, VRouterOptions options)
{
    /// <summary>vRouters wait this long for a speaker that does not answer, and then get their configuration without it.</summary>
    public static readonly TimeSpan SpeakerPatience = TimeSpan.FromSeconds(2);

    private readonly DateTimeOffset _startedAt = clock.Now;
    private DateTimeOffset? _holdUntil;

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
        if (_holdUntil <= now) Move(StartupEvent.HoldOver);
        if (now - _startedAt > SpeakerPatience) Move(StartupEvent.PatienceOver);
        if (now - _startedAt > options.LostAfter) Move(StartupEvent.LostAfterOver);
        if (State.Phase == StartupPhase.HoldingEntries) next.NoLaterThan(_holdUntil);
    }

    private void Move(StartupEvent startupEvent) => State = State.After(startupEvent);
}
