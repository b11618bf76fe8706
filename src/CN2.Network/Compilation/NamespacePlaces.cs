using System.Runtime.InteropServices;
using CN2.Network.Collections;

namespace CN2.Network.Compilation;

/// <summary>
/// The vRouters with an endpoint of each namespace, for <see cref="ServiceDistribution.Namespace"/>. An endpoint counts whatever its state is, and so does a vRouter
/// that is lost or does not exist yet: an agent that comes finds what its pods need, and one that is away keeps what it has. For one thread.
/// </summary>
public sealed class NamespacePlaces
{
    /// <summary>
    /// A namespace on more vRouters than this counts as being on all. A change for vRouters by name is put together, collected and encoded for each of them, at the start of a
    /// control node too; one for all is encoded once. A namespace on many nodes would save those nodes nothing, because they need it.
    /// </summary>
    public const int MostNamed = 16;

    private readonly Dictionary<string, Places> _places = new(StringComparer.Ordinal);
    private HashSet<string> _due = new(StringComparer.Ordinal);

    /// <summary>An endpoint of the namespace is on the vRouter.</summary>
    public void Add(string ns, string virtualRouter)
    {
        ref var places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, ns, out _);
        places ??= new Places();
        ref var endpoints = ref CollectionsMarshal.GetValueRefOrAddDefault(places.Endpoints, virtualRouter, out _);
        if (++endpoints == 1) Changed(ns, places);
    }

    /// <summary>One endpoint of the namespace is not on the vRouter any more.</summary>
    public void Remove(string ns, string virtualRouter)
    {
        if (!_places.TryGetValue(ns, out var places) || !places.Endpoints.TryGetValue(virtualRouter, out var endpoints)) return;
        if (endpoints > 1)
        {
            places.Endpoints[virtualRouter] = endpoints - 1;
            return;
        }

        places.Endpoints.Remove(virtualRouter);
        Changed(ns, places);
    }

    /// <summary>The vRouters with an endpoint of the namespace, sorted; the same object until they change. Null: they are so many that the namespace counts as being on all.</summary>
    public EquatableList<string>? Of(string ns)
    {
        if (!_places.TryGetValue(ns, out var places)) return [];
        if (!places.IsNamed)
        {
            var named = places.Endpoints.Count > MostNamed ? null : places.Endpoints.Keys.Order(StringComparer.Ordinal).ToEquatableList();
            if (!Equals(named, places.Named)) places.Named = named;
            places.IsNamed = true;
        }

        return places.Named;
    }

    /// <summary>The namespaces whose <see cref="Of"/> differs from what it was at the last call. An endpoint that goes and comes back in between changes nothing.</summary>
    public IReadOnlyCollection<string> TakeChanged()
    {
        if (_due.Count == 0) return [];
        var changed = new List<string>(_due.Count);
        foreach (var ns in _due)
        {
            var named = Of(ns);
            var places = _places[ns];
            if (!Equals(named, places.Taken)) changed.Add(ns);
            places.Taken = named;
            if (places.Endpoints.Count == 0) _places.Remove(ns);
        }

        _due = new(StringComparer.Ordinal);
        return changed;
    }

    private void Changed(string ns, Places places)
    {
        places.IsNamed = false;
        _due.Add(ns);
    }

    private sealed class Places
    {
        /// <summary>vRouter → the number of endpoints on it.</summary>
        public Dictionary<string, int> Endpoints { get; } = new(StringComparer.Ordinal);

        /// <summary><see cref="Named"/> is that of <see cref="Endpoints"/>.</summary>
        public bool IsNamed { get; set; }

        public EquatableList<string>? Named { get; set; } = [];

        /// <summary>As of the last <see cref="TakeChanged"/>.</summary>
        public EquatableList<string>? Taken { get; set; } = [];
    }
}
