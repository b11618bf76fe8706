using CN2.Network.Fencing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The wanted paths that the fence holds back, by the same rules that the engine was given: it does not tell which paths its export policy rejects. Thread-safe.
/// </summary>
internal sealed class HeldPaths
{
    private readonly Lock _lock = new();
    private readonly HashSet<BgpPathKey> _held = [];
    private ExportFence? _fence;

    /// <summary>How many; may be read from any thread.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _held.Count;
        }
    }

    public bool Contains(BgpPathKey path)
    {
        lock (_lock) return _held.Contains(path);
    }

    /// <summary>The wanted paths are these.</summary>
    public void Replace(IReadOnlyCollection<BgpPath> wanted)
    {
        lock (_lock)
        {
            _held.Clear();
            Add(wanted);
        }
    }

    public void Change(IReadOnlyCollection<BgpPath> added, IReadOnlyCollection<BgpPathKey> removed)
    {
        lock (_lock)
        {
            _held.ExceptWith(removed);
            _held.ExceptWith(added.Select(p => p.Key));
            Add(added);
        }
    }

    /// <summary>Takes another fence. True: a path that was held back may leave now, so routers must be sent what they did not get.</summary>
    public bool Replace(ExportFence fence, IReadOnlyCollection<BgpPath> wanted)
    {
        lock (_lock)
        {
            var before = _held.ToList();
            _fence = fence;
            _held.Clear();
            Add(wanted);
            return before.Exists(p => !_held.Contains(p));
        }
    }

    private void Add(IReadOnlyCollection<BgpPath> paths)
    {
        if (_fence is null) return;
        foreach (var path in paths)
            if (!_fence.Admits(path.Prefix, path.Vpn?.RouteTargets, path.Communities, path.LargeCommunities)) _held.Add(path.Key);
    }
}
