using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Which owners have an endpoint or a route on a vRouter, or an entry for vRouters by name and this one among them: their entries may differ there from those of other
/// vRouters.
/// </summary>
internal sealed class ConcernedOwners
{
    private static readonly HashSet<EquatableList<string>> NoPlaces = new(ReferenceEqualityComparer.Instance);

    /// <summary>By endpoints and routes.</summary>
    private readonly Dictionary<string, HashSet<Guid>> _byVirtualRouter = [];

    /// <summary>By <see cref="NatEntry.OnlyOn"/>, the same object: a namespace may have thousands of owners, and be on many vRouters.</summary>
    private readonly Dictionary<EquatableList<string>, HashSet<Guid>> _byPlaces = new(ReferenceEqualityComparer.Instance);

    /// <summary>vRouter → the keys of <see cref="_byPlaces"/> that name it.</summary>
    private readonly MultiMap<string, EquatableList<string>> _placesWith = new(StringComparer.Ordinal);

    /// <summary>An owner may come several times.</summary>
    public IEnumerable<Guid> On(string virtualRouter)
    {
        foreach (var owner in _byVirtualRouter.GetValueOrDefault(virtualRouter) ?? []) yield return owner;
        foreach (var places in _placesWith[virtualRouter])
        {
            foreach (var owner in _byPlaces[places]) yield return owner;
        }
    }

    /// <summary>Those with an endpoint or a route there.</summary>
    public IReadOnlyCollection<Guid> ServedBy(string virtualRouter) => _byVirtualRouter.TryGetValue(virtualRouter, out var owners) ? owners : [];

    /// <summary>Adds the vRouters on which an owner's entries or routes may differ from those of the others.</summary>
    public static void AddVirtualRoutersOf(CompiledOwner compiled, HashSet<string> names)
    {
        AddEndpointsAndRoutesOf(compiled, names);
        foreach (var places in PlacesOf(compiled)) names.UnionWith(places);
    }

    private static void AddEndpointsAndRoutesOf(CompiledOwner compiled, HashSet<string> names)
    {
        foreach (var entry in compiled.NatEntries.AsSpan())
        {
            foreach (var backend in entry.Backends.AsSpan()) names.Add(backend.VirtualRouter);
            foreach (var backend in entry.Draining.AsSpan()) names.Add(backend.VirtualRouter);
        }

        foreach (var route in compiled.Routes.AsSpan()) names.Add(route.VirtualRouter);
    }

    public void Set(Guid owner, CompiledOwner? before, CompiledOwner? after)
    {
        SetPlaces(owner, before, after);
        var names = new HashSet<string>();
        var formerNames = new HashSet<string>();
        if (after is not null) AddEndpointsAndRoutesOf(after, names);
        if (before is not null) AddEndpointsAndRoutesOf(before, formerNames);
        foreach (var name in formerNames)
        {
            if (names.Contains(name) || !_byVirtualRouter.TryGetValue(name, out var owners)) continue;
            owners.Remove(owner);
            if (owners.Count == 0) _byVirtualRouter.Remove(name);
        }

        foreach (var name in names)
        {
            if (!_byVirtualRouter.TryGetValue(name, out var owners)) _byVirtualRouter[name] = owners = [];
            owners.Add(owner);
        }
    }

    private void SetPlaces(Guid owner, CompiledOwner? before, CompiledOwner? after)
    {
        var had = before is null ? NoPlaces : PlacesOf(before);
        var has = after is null ? NoPlaces : PlacesOf(after);
        foreach (var places in had)
        {
            if (has.Contains(places) || !_byPlaces.TryGetValue(places, out var owners)) continue;
            owners.Remove(owner);
            if (owners.Count > 0) continue;
            _byPlaces.Remove(places);
            foreach (var name in places) _placesWith.Remove(name, places);
        }

        foreach (var places in has)
        {
            if (!_byPlaces.TryGetValue(places, out var owners))
            {
                _byPlaces[places] = owners = [];
                foreach (var name in places) _placesWith.Add(name, places);
            }

            owners.Add(owner);
        }
    }

    /// <summary>Each object once.</summary>
    private static HashSet<EquatableList<string>> PlacesOf(CompiledOwner compiled)
    {
        HashSet<EquatableList<string>>? places = null;
        foreach (var natEntry in compiled.NatEntries)
        {
            if (natEntry.OnlyOn is { } only) (places ??= new(ReferenceEqualityComparer.Instance)).Add(only);
        }

        return places ?? NoPlaces;
    }
}
