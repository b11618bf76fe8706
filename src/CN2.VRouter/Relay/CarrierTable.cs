using System.Collections.Concurrent;
using System.Net;
using CN2.Network.Collections;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Relay;

/// <summary>The other nodes of each FloatingIP that this node carries together with others. One task changes it, another reads.</summary>
/// <param name="own">The address of this node.</param>
/// <param name="port">At which the agents of the nodes listen.</param>
internal sealed class CarrierTable(IPAddress own, int port)
{
    private readonly ConcurrentDictionary<FloatingIPPlace, OtherCarriers> _others = new();

    /// <param name="changed">What may differ from the last call; null: anything.</param>
    public void Set(IReadOnlyDictionary<FloatingIPPlace, EquatableList<IPAddress>> desired, IReadOnlyCollection<FloatingIPPlace>? changed)
    {
        foreach (var place in changed ?? [.. _others.Keys.Union(desired.Keys)])
        {
            var others = desired.GetValueOrDefault(place)?.Where(a => !a.Equals(own)).ToList() ?? [];
            if (others.Count == 0) _others.TryRemove(place, out _);
            else if (!_others.TryGetValue(place, out var known) || !known.Are(others)) _others[place] = new OtherCarriers(others, port);
        }
    }

    /// <summary>The other nodes of a FloatingIP; null: there are none, or this node does not carry it.</summary>
    public OtherCarriers? Find(FloatingIPPlace place) => _others.GetValueOrDefault(place);
}
