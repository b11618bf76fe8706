namespace CN2.Bench.Load;

/// <summary>How an agent of a <see cref="Fleet"/> behaves.</summary>
internal enum AgentBehaviour
{
    /// <summary>As cn2-vrouter, but that it acknowledges at once and programs nothing.</summary>
    Good,

    /// <summary>Takes everything, beats, and never acknowledges.</summary>
    NeverAcknowledges,

    /// <summary>Acknowledges revisions that it never got.</summary>
    AcknowledgesWhatItNeverGot,

    /// <summary>Reads a message every 100 ms.</summary>
    Slow,

    /// <summary>Stops reading when it has the first message of a snapshot, acknowledges nothing, and beats on.</summary>
    StopsReading,

    /// <summary>Stands still once it has its whole: it reads nothing and says nothing, and its connection stays open.</summary>
    Freezes,

    /// <summary>Leaves every second and comes back at once.</summary>
    Reconnects,

    /// <summary>Connects and says nothing, no hello either.</summary>
    SaysNothing,
}
