namespace CN2.VRouter.Probes;

/// <summary>Asks an endpoint once whether it is well.</summary>
public interface IProber
{
    /// <summary>Never throws but for <paramref name="cancellation"/>; a fault of the network is a failure with its reason.</summary>
    Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation);
}
