namespace CN2.VRouter.Probes;

/// <summary>Probes an endpoint once.</summary>
public interface IProber
{
    /// <summary>Throws only on <paramref name="cancellation"/>; an error of the network is a failed result with its reason.</summary>
    Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation);
}
