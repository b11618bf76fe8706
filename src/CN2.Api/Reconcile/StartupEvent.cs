namespace CN2.Api.Reconcile;

/// <summary>What moves a <see cref="StartupState"/>.</summary>
internal enum StartupEvent
{
    /// <summary>An earlier run of this control node may have announced routes: peers may still hold them.</summary>
    AnnouncedBefore,

    /// <summary>The speaker answered for the first time and holds no path.</summary>
    SpeakerEmpty,

    /// <summary>The speaker answered for the first time; every path that it holds is wanted.</summary>
    SpeakerHoldsWantedPaths,

    /// <summary>The speaker answered for the first time; it holds paths that nothing asks for.</summary>
    SpeakerHoldsUnwantedPaths,

    /// <summary>The speaker has taken the first set of routes.</summary>
    FirstSetTaken,

    /// <summary><see cref="CN2.Network.Sequencing.RouteSequencer.EntryHold"/> is over since then.</summary>
    HoldOver,

    /// <summary><see cref="StartupGate.SpeakerPatience"/> is over since everything was read.</summary>
    PatienceOver,

    /// <summary>Every vRouter has acknowledged its whole configuration, or is lost.</summary>
    AgentsAnswered,

    /// <summary><c>VRouters:LostAfterSeconds</c> are over since everything was read.</summary>
    LostAfterOver,
}
