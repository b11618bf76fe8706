using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>The health of one endpoint from its probe results: down after <paramref name="maxRetries"/> consecutive failures, up after one success. Pure.</summary>
public sealed class ProbeState(EndpointHealth start, int maxRetries)
{
    private int _failures;

    public EndpointHealth Health { get; private set; } = start;

    /// <summary>Takes a result; true when the health has changed.</summary>
    public bool Take(bool success)
    {
        var before = Health;
        if (success)
        {
            _failures = 0;
            Health = EndpointHealth.Healthy;
        }
        else if (_failures < maxRetries && ++_failures == maxRetries)
        {
            Health = EndpointHealth.Unhealthy;
        }

        return Health != before;
    }
}
