using CN2.VRouter.Probes;

namespace CN2.VRouter;

/// <summary>Sends no probe to an address of the node itself: its answer would tell what the node has there. Such a probe fails with the reason.</summary>
internal sealed class FencedProber(IProber inner, NodeFence fence) : IProber
{
    public Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation) => fence.Addresses.Contains(target.Address)
        ? Task.FromResult(new ProbeResult(false, NodeFence.NoEndpoint(target.Address)))
        : inner.ProbeAsync(target, cancellation);
}
