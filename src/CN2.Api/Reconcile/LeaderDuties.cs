using System.Collections.Concurrent;
using CN2.Api.Data;
using CN2.Api.Services;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// What only the leading replica does, each on a task of its own: finish deletions, serve pending Services, mark vRouters lost. All
/// of it may be done twice without harm.
/// </summary>
public sealed partial class LeaderDuties(ServiceLifecycle lifecycle, AgentReportStore virtualRouters, ILogger<LeaderDuties> logger)
{
    /// <summary>Pending Services are tried again at least this often: a transaction that was rolled back tells nobody what it freed.</summary>
    private static readonly TimeSpan ServeInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LostInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FinishInterval = TimeSpan.FromMilliseconds(100);
    private const int Chunk = 200;

    private readonly HashSet<Guid> _deletingServices = [];
    private readonly Dictionary<Guid, FloatingIP> _deletingFloatingIPs = [];
    private readonly ConcurrentDictionary<Guid, byte> _inFlight = [];
    private readonly HashSet<Guid> _pending = [];
    private readonly HashSet<Guid> _changedNetworks = [];
    private bool _mayFit;
    private DateTimeOffset _servedAt;
    private DateTimeOffset _markedAt;
    private Task _serving = Task.CompletedTask;
    private Task _marking = Task.CompletedTask;
    private DateTimeOffset? _statusesFor;

    /// <summary>A duty is done; there may be more.</summary>
    public event Action? Done;

    public void Note(Service service)
    {
        if (service.Deleting) _deletingServices.Add(service.Uid);
        if (service.PendingReason is not null && !service.Deleting) _pending.Add(service.Uid);
        else _pending.Remove(service.Uid);
    }

    public void Note(FloatingIP floatingIP)
    {
        if (floatingIP.Deleting) _deletingFloatingIPs[floatingIP.Uid] = floatingIP;
        else _deletingFloatingIPs.Remove(floatingIP.Uid);
    }

    public void ForgetService(Guid uid)
    {
        _deletingServices.Remove(uid);
        _pending.Remove(uid);
    }

    public void ForgetFloatingIP(Guid uid) => _deletingFloatingIPs.Remove(uid);

    /// <summary>Something was freed or added that a pending Service may want.</summary>
    public void SomethingMayFit() => _mayFit = true;

    /// <summary>A network changed: Services with one of two families may get the other.</summary>
    public void NetworkChanged(Guid network) => _changedNetworks.Add(network);

    /// <summary>True once for each time this replica begins to lead: it does not know what its predecessor left unwritten.</summary>
    public bool NeedsStatuses(DateTimeOffset leadingSince)
    {
        if (_statusesFor == leadingSince) return false;
        _statusesFor = leadingSince;
        return true;
    }

    /// <summary>Frees what nothing announces, holds or awaits any more.</summary>
    public void Finish(Func<Guid, bool> serviceIsFinished, Func<FloatingIP, bool> floatingIPIsFinished)
    {
        var services = _deletingServices.Where(s => !_inFlight.ContainsKey(s) && serviceIsFinished(s)).Take(Chunk).ToList();
        var floatingIPs = _deletingFloatingIPs.Values.Where(f => !_inFlight.ContainsKey(f.Uid) && floatingIPIsFinished(f)).Select(f => f.Uid).Take(Chunk).ToList();
        if (services.Count + floatingIPs.Count == 0) return;
        foreach (var uid in services.Concat(floatingIPs)) _inFlight.TryAdd(uid, 0);
        _ = FinishAsync(services, floatingIPs);
    }

    public void Serve(DateTimeOffset now)
    {
        if (!_serving.IsCompleted || (_pending.Count == 0 && _changedNetworks.Count == 0)) return;
        if (!_mayFit && _changedNetworks.Count == 0 && now - _servedAt <= ServeInterval) return;
        _mayFit = false;
        _servedAt = now;
        _serving = ServeAsync([.. _pending], [.. _changedNetworks]);
        _changedNetworks.Clear();
    }

    public void MarkLost(DateTimeOffset now, TimeSpan lostAfter)
    {
        if (!_marking.IsCompleted || now - _markedAt < LostInterval) return;
        _markedAt = now;
        _marking = MarkLostAsync(lostAfter);
    }

    private async Task FinishAsync(List<Guid> services, List<Guid> floatingIPs)
    {
        try
        {
            // Less than asked: a row of the database still says no. Asking at once again would only keep it busy.
            if (await lifecycle.FinalizeAsync(services, floatingIPs, CancellationToken.None) < services.Count + floatingIPs.Count) await Task.Delay(FinishInterval);
        }
        catch (Exception e)
        {
            LogPostponed(logger, e, "Deletions");
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        foreach (var uid in services.Concat(floatingIPs)) _inFlight.TryRemove(uid, out _);
        Done?.Invoke();
    }

    private async Task ServeAsync(List<Guid> pending, IReadOnlyCollection<Guid> networks)
    {
        try
        {
            foreach (var network in networks) pending.AddRange(await lifecycle.IncompleteAsync(network, CancellationToken.None));
            await lifecycle.ServePendingAsync(pending, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogPostponed(logger, e, "Serving pending Services");
        }

        Done?.Invoke();
    }

    private async Task MarkLostAsync(TimeSpan lostAfter)
    {
        try
        {
            await virtualRouters.MarkLostAsync(ControlNodeStore.GoneAfter, lostAfter, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogPostponed(logger, e, "Marking lost vRouters");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{What} had to be put off; it is tried again")]
    private static partial void LogPostponed(ILogger logger, Exception exception, string what);
}
