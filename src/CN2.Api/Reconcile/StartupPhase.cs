namespace CN2.Api.Reconcile;

/// <summary>How far the start of a control node has come; see <see cref="StartupState"/>.</summary>
internal enum StartupPhase
{
    /// <summary>The speaker has not answered yet. vRouters get nothing.</summary>
    AwaitingSpeaker,

    /// <summary>The speaker has not answered for <see cref="StartupGate.SpeakerPatience"/>: vRouters get their configuration without it.</summary>
    ServingWithoutSpeaker,

    /// <summary>The speaker holds no path that must go, and is being sent the first set of routes. vRouters get nothing yet.</summary>
    SendingFirstSet,

    /// <summary>The speaker is being sent the first set of routes, and loses the paths that nothing asks for. vRouters get nothing yet.</summary>
    RemovingPaths,

    /// <summary>These paths are gone. The entries behind them stay for a moment more: vRouters get nothing yet.</summary>
    HoldingEntries,

    /// <summary>Everything is sent as it comes.</summary>
    Open,
}
