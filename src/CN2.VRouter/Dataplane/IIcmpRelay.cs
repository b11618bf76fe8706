using System.Net;
using CN2.Network.Collections;

namespace CN2.VRouter.Dataplane;

/// <summary>Brings ICMP errors about packets that were too big to the node of their flow (docs/contract.md §5).</summary>
public interface IIcmpRelay
{
    /// <summary>Each call reads anew. Any thread may read.</summary>
    RelayCounters Counters { get; }

    /// <summary>Why it does not work, as far as an operator can put it right; null: it works.</summary>
    string? Notice { get; }

    /// <summary>Takes the nodes of the FloatingIPs that this node carries together with others. One task at a time.</summary>
    /// <param name="changed">What may differ from the last call; null: anything.</param>
    void SetCarriers(IReadOnlyDictionary<FloatingIPPlace, EquatableList<IPAddress>> carriers, IReadOnlyCollection<FloatingIPPlace>? changed);
}
