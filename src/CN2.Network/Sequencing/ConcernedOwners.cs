using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>Which owners have an endpoint or a route on a vRouter: their entries may differ there from those of other vRouters.</summary>
internal sealed class ConcernedOwners
{
    private readonly Dictionary<string, HashSet<Guid>> _byVirtualRouter = [];

    public IReadOnlyCollection<Guid> On(string virtualRouter) => _byVirtualRouter.GetValueOrDefault(virtualRouter) ?? [];

    /// <summary>The vRouters of an owner's endpoints and routes; a name may come several times.</summary>
    public static IEnumerable<string> VirtualRoutersOf(CompiledOwner compiled) =>
        compiled.NatEntries.SelectMany(e => e.Backends.Concat(e.Draining)).Select(b => b.VirtualRouter).Concat(compiled.Routes.Select(r => r.VirtualRouter));

    public void Set(Guid owner, CompiledOwner? before, CompiledOwner? after)
    {
        var names = after is null ? [] : VirtualRoutersOf(after).ToHashSet();
        foreach (var name in before is null ? [] : VirtualRoutersOf(before))
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
}
