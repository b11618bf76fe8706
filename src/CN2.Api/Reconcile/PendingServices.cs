using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Services that lack an address or a node port, and when they are tried again.</summary>
internal sealed class PendingServices
{
    /// <summary>Pending Services are tried at least this often: a transaction that is rolled back frees addresses without a change row.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly HashSet<Guid> _pending = [];
    private readonly HashSet<Guid> _changedNetworks = [];
    private bool _mayFit;
    private bool _inFlight;
    private DateTimeOffset _triedAt;

    public void Put(Service service)
    {
        if (service.PendingReason is not null && !service.Deleting) _pending.Add(service.Uid);
        else _pending.Remove(service.Uid);
    }

    public void Remove(Guid service) => _pending.Remove(service);

    /// <summary>Something was freed or added that a pending Service may want.</summary>
    public void SomethingMayFit() => _mayFit = true;

    /// <summary>A network changed: Services that have an address of one family may get the other.</summary>
    public void NetworkChanged(Guid network) => _changedNetworks.Add(network);

    /// <summary>What is to be tried now; null: nothing, or the last batch is still being tried.</summary>
    public PendingBatch? Take(DateTimeOffset now)
    {
        if (_inFlight || (_pending.Count == 0 && _changedNetworks.Count == 0)) return null;
        if (!_mayFit && _changedNetworks.Count == 0 && now - _triedAt <= Interval) return null;
        var batch = new PendingBatch([.. _pending], [.. _changedNetworks]);
        _changedNetworks.Clear();
        _mayFit = false;
        _triedAt = now;
        _inFlight = true;
        return batch;
    }

    /// <summary>The last batch was tried.</summary>
    public void WereTried() => _inFlight = false;
}
