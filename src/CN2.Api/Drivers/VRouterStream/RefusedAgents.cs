using System.Net;
using CN2.Api.Threading;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>How often agents are refused with a line in the log and a note in the database: a refusal costs its agent an attempt. Any thread.</summary>
internal sealed class RefusedAgents : IDisposable
{
    private readonly AttemptLimit<(string? Name, IPAddress Source)> _limit = new(Limits.AgentRefusals, perSecond: 1);
    private long _unsaid;

    /// <summary>The agent has attempts left.</summary>
    /// <param name="name">The VirtualRouter of its certificate; null: it has none.</param>
    /// <param name="source">Where it calls from; null: a unix socket.</param>
    public bool MayTry(string? name, IPAddress? source) => _limit.MayTry(KeyOf(name, source));

    /// <summary>Takes an attempt; null: there was none, and nothing is said of this refusal. Else the number of those that nothing was said of since the last call with an answer.</summary>
    public long? Take(string? name, IPAddress? source)
    {
        if (_limit.TryTake(KeyOf(name, source))) return Interlocked.Exchange(ref _unsaid, 0);
        Interlocked.Increment(ref _unsaid);
        return null;
    }

    public void Dispose() => _limit.Dispose();

    private static (string?, IPAddress) KeyOf(string? name, IPAddress? source) => (name, (source ?? IPAddress.None).ToHost());
}
