using CN2.Api.Drivers;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>Something that the speaker answered to the <see cref="SpeakerWorker"/>.</summary>
internal abstract record SpeakerEvent : LoopEvent
{
    /// <summary>The speaker answered for the first time.</summary>
    /// <param name="Found">The paths that it held before.</param>
    public sealed record Started(IReadOnlyCollection<BgpPath> Found) : SpeakerEvent;

    /// <summary>The speaker carried out route changes.</summary>
    /// <param name="Announced">Routes that the speaker holds now.</param>
    /// <param name="Withdrawn">Routes that the speaker no longer holds.</param>
    /// <param name="Refused">Routes that were to be announced and that the speaker does not hold.</param>
    /// <param name="IsFirstSet">This answers <see cref="SpeakerJob.ReplaceAll"/>: everything else is gone from the speaker.</param>
    public sealed record RoutesDone(
        IReadOnlyCollection<FloatingIPRoute> Announced,
        IReadOnlyCollection<FloatingIPRoute> Withdrawn,
        IReadOnlyCollection<RefusedRoute> Refused,
        bool IsFirstSet) : SpeakerEvent;

    /// <summary>No router has the paths any more that an earlier run announced of these FloatingIPs, and that nothing asks for.</summary>
    public sealed record LeftoversGone(IReadOnlyCollection<Guid> FloatingIPs) : SpeakerEvent;
}
