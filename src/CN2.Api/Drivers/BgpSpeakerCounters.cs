namespace CN2.Api.Drivers;

/// <summary>What a speaker has done since its start.</summary>
public sealed record BgpSpeakerCounters(long PathsAdded, long PathsWithdrawn, long Repairs, long EngineRestarts)
{
    /// <summary>Wanted paths that the fence holds back now.</summary>
    public int PathsHeldBack { get; init; }

    /// <summary>How often the engine's policies were restored, because another program had changed them.</summary>
    public long PolicyRepairs { get; init; }
}
