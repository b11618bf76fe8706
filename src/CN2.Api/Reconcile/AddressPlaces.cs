using System.Net;

namespace CN2.Api.Reconcile;

/// <summary>On which vRouters an address of endpoints is now. Most addresses are on one, and take no set.</summary>
internal sealed class AddressPlaces
{
    private readonly Dictionary<IPAddress, string> _only = [];
    private readonly Dictionary<IPAddress, HashSet<string>> _several = [];

    public void Add(IPAddress address, string virtualRouter)
    {
        if (_several.TryGetValue(address, out var several))
        {
            several.Add(virtualRouter);
        }
        else if (!_only.TryAdd(address, virtualRouter) && _only[address] is var other && other != virtualRouter)
        {
            _only.Remove(address);
            _several[address] = [other, virtualRouter];
        }
    }

    public void Remove(IPAddress address, string virtualRouter)
    {
        if (_several.TryGetValue(address, out var several))
        {
            several.Remove(virtualRouter);
            if (several.Count > 1) return;
            _several.Remove(address);
            _only[address] = several.Single();
        }
        else if (_only.GetValueOrDefault(address) == virtualRouter)
        {
            _only.Remove(address);
        }
    }

    /// <summary>Another vRouter than this one has the address.</summary>
    public bool IsElsewhere(IPAddress address, string virtualRouter) =>
        _several.ContainsKey(address) || (_only.TryGetValue(address, out var only) && only != virtualRouter);

    /// <summary>The vRouter that has the address; null: none has it, or several have.</summary>
    public string? OnlyOf(IPAddress address) => _only.GetValueOrDefault(address);
}
