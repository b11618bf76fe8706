namespace CN2.Api.Reconcile;

/// <summary>
/// What may be sent where while a control node starts. Two rules decide it. (1) A speaker that still runs may hold paths that nothing asks
/// for any more: they go before vRouters lose the entries behind them. (2) A peer that is added gets an End-of-RIB once it has the routes
/// of the table. When the speaker lost its table and peers may still hold our routes, this would withdraw every route that is not announced
/// again yet (RFC 4724 §4.1), so the peers wait until the vRouters have acknowledged. The table is in <c>docs/threads.md</c>.
/// </summary>
/// <param name="PeersHeld">Rule 2 applies: no peer is added yet.</param>
internal readonly record struct StartupState(StartupPhase Phase, bool PeersHeld)
{
    public static StartupState Initial => new(StartupPhase.AwaitingSpeaker, PeersHeld: false);

    /// <summary>Routes and imports may be sent to the speaker.</summary>
    public bool SpeakerStarted => Phase is not (StartupPhase.AwaitingSpeaker or StartupPhase.ServingWithoutSpeaker);

    /// <summary>
    /// Configurations may be sent to vRouters. While the first set is being sent they may not, also when the engine held nothing unwanted: routers may have paths of an earlier run that the
    /// engine has not.
    /// </summary>
    public bool ServesAgents => Phase is StartupPhase.Open or StartupPhase.ServingWithoutSpeaker;

    /// <summary>The speaker has the first set of routes, or has not taken it within its patience.</summary>
    public bool HasFirstSet => Phase is StartupPhase.Open or StartupPhase.ServingWithoutSpeaker or StartupPhase.HoldingEntries;

    /// <summary>Peers may be added to the speaker.</summary>
    public bool ServesPeers => SpeakerStarted && !PeersHeld;

    public StartupState After(StartupEvent startupEvent) => new(PhaseAfter(startupEvent), ArePeersHeldAfter(startupEvent));

    private StartupPhase PhaseAfter(StartupEvent startupEvent) => (Phase, startupEvent) switch
    {
        (StartupPhase.AwaitingSpeaker, StartupEvent.SpeakerEmpty or StartupEvent.SpeakerHoldsWantedPaths) => StartupPhase.SendingFirstSet,
        (StartupPhase.AwaitingSpeaker, StartupEvent.SpeakerHoldsUnwantedPaths) => StartupPhase.RemovingPaths,
        (StartupPhase.AwaitingSpeaker, StartupEvent.PatienceOver) => StartupPhase.ServingWithoutSpeaker,
        (StartupPhase.ServingWithoutSpeaker, StartupEvent.SpeakerEmpty or StartupEvent.SpeakerHoldsWantedPaths or StartupEvent.SpeakerHoldsUnwantedPaths) => StartupPhase.Open,
        (StartupPhase.SendingFirstSet, StartupEvent.FirstSetTaken or StartupEvent.PatienceOver) => StartupPhase.Open,
        (StartupPhase.RemovingPaths, StartupEvent.FirstSetTaken) => StartupPhase.HoldingEntries,
        (StartupPhase.RemovingPaths, StartupEvent.PatienceOver) => StartupPhase.Open,
        (StartupPhase.HoldingEntries, StartupEvent.HoldOver) => StartupPhase.Open,
        _ => Phase,
    };

    private bool ArePeersHeldAfter(StartupEvent startupEvent) => startupEvent switch
    {
        StartupEvent.AnnouncedBefore when !SpeakerStarted => true,
        // The engine kept its table, so its peers lose nothing.
        StartupEvent.SpeakerHoldsWantedPaths or StartupEvent.SpeakerHoldsUnwantedPaths when !SpeakerStarted => false,
        StartupEvent.AgentsAnswered when SpeakerStarted => false,
        StartupEvent.LostAfterOver => false,
        _ => PeersHeld,
    };
}
