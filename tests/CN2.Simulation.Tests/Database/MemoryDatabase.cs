using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Simulation.Tests.Database;

/// <summary>
/// The rows that the reconciler reads and writes, with the database's constraints. One call of a store is one transaction, and its effect is
/// one moment. The stores beside this class answer as those with SQL do; <c>StoreContract</c> holds both to the same answers.
/// </summary>
/// <param name="now">The database's clock.</param>
internal sealed class MemoryDatabase(Func<DateTimeOffset> now)
{
    private const int KeptChanges = 200_000;

    private readonly List<ChangeRow> _changes = [];
    private readonly SortedSet<ulong> _running = [];

    /// <summary>FloatingIP → how many control nodes have an announcement row of it.</summary>
    private readonly Dictionary<Guid, int> _announcers = [];
    private ulong _nextXid = 1000;
    private long _nextId = 1;
    private int _uids;

    public Dictionary<Guid, ExternalNetwork> Networks { get; } = [];
    public Dictionary<Guid, AddressPool> Pools { get; } = [];
    public Dictionary<Guid, Service> Services { get; } = [];
    public Dictionary<Guid, FloatingIP> FloatingIPs { get; } = [];
    public Dictionary<Guid, VirtualMachineInterface> Endpoints { get; } = [];
    public Dictionary<Guid, VirtualRouter> Routers { get; } = [];
    public Dictionary<Guid, RouterStatus> RouterStatuses { get; } = [];
    public Dictionary<string, BgpPeer> Peers { get; } = [];
    public Dictionary<string, ControlNodeRow> ControlNodes { get; } = [];
    public Dictionary<(Guid FloatingIP, string ControlNode), IReadOnlyDictionary<RouteKey, uint>> Advertisements { get; } = [];
    public Dictionary<(Guid Router, AgentRefusalReason Reason), (string Message, DateTimeOffset LastAt)> Intruders { get; } = [];
    public Dictionary<Guid, string> Statuses { get; } = [];

    public LeaseRow? Lease { get; set; }

    /// <summary>The last change that retention removed.</summary>
    public FeedPosition Horizon { get; private set; }

    public DateTimeOffset Now => now();

    /// <summary>The oldest transaction that is running, or the next one.</summary>
    public ulong OldestRunning => _running.Count > 0 ? _running.Min : _nextXid;

    public ulong NewestChange => _changes.Count > 0 ? _changes[^1].Xid : 0;

    /// <summary>Changes were committed.</summary>
    public event Action? Committed;

    /// <summary>For the trace.</summary>
    public event Action<Changes>? Written;

    /// <summary>An address was given to a FloatingIP.</summary>
    public event Action<FloatingIP>? Allocated;

    /// <summary>Grows like a UUIDv7; the same in every run.</summary>
    public Guid NewUid() => new(++_uids, 0, 0, new byte[8]);

    /// <summary>A transaction of somebody else that stays open; the same server, another database.</summary>
    public ulong Open()
    {
        var xid = _nextXid++;
        _running.Add(xid);
        return xid;
    }

    public void Close(ulong xid)
    {
        if (_running.Remove(xid)) Committed?.Invoke();
    }

    /// <summary>Changes after a position, below the oldest running transaction.</summary>
    public List<ChangeRow> ChangesAfter(FeedPosition after, int count)
    {
        var (low, high) = (0, _changes.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (new FeedPosition(_changes[middle].Xid, _changes[middle].Id).CompareTo(after) > 0) high = middle;
            else low = middle + 1;
        }

        var oldest = OldestRunning;
        var page = new List<ChangeRow>();
        for (var i = low; i < _changes.Count && page.Count < count && _changes[i].Xid < oldest; i++) page.Add(_changes[i]);
        return page;
    }

    /// <summary>Runs one transaction; an exception rolls nothing back, so a check comes before the first write.</summary>
    public T Write<T>(Func<Changes, T> work)
    {
        var changes = new Changes();
        var result = work(changes);
        if (changes.Rows.Count == 0) return result;
        var xid = _nextXid++;
        foreach (var row in changes.Rows)
        {
            row.Xid = xid;
            row.Id = _nextId++;
            row.At = Now;
            _changes.Add(row);
        }

        Written?.Invoke(changes);
        if (_changes.Count > 2 * KeptChanges)
        {
            Horizon = new FeedPosition(_changes[KeptChanges - 1].Xid, _changes[KeptChanges - 1].Id);
            _changes.RemoveRange(0, KeptChanges);
        }

        Committed?.Invoke();
        return result;
    }

    public void Write(Action<Changes> work) => Write(c =>
    {
        work(c);
        return true;
    });

    /// <summary>Inserts a FloatingIP with the lowest free address; null: the pool is exhausted.</summary>
    public FloatingIP? Allocate(Changes changes, Guid network, string ns, string name, Guid? service, bool reserved)
    {
        if (Pools[network].Take() is not { } address) return null;
        var floatingIP = new FloatingIP
        {
            Uid = NewUid(),
            Id = new NamespacedName(ns, name),
            Kind = FloatingIPKind.External,
            Address = address,
            ExternalNetwork = network,
            Service = service,
            Reserved = reserved,
            Generation = 1,
        };
        FloatingIPs[floatingIP.Uid] = floatingIP;
        changes.Add(ResourceKind.FloatingIP, ns, name, floatingIP.Uid, ChangeVerb.Added);
        Allocated?.Invoke(floatingIP);
        return floatingIP;
    }

    /// <summary>Deletes a FloatingIP that nobody announces; the trigger frees its address in the same transaction.</summary>
    public void Remove(Changes changes, FloatingIP floatingIP)
    {
        if (IsAnnounced(floatingIP.Uid)) throw Violation("23503", "a control node announces the FloatingIP");
        FloatingIPs.Remove(floatingIP.Uid);
        Statuses.Remove(floatingIP.Uid);
        Pools[floatingIP.ExternalNetwork!.Value].Give(floatingIP.Address);
        changes.Add(ResourceKind.FloatingIP, floatingIP.Id.Namespace, floatingIP.Id.Name, floatingIP.Uid, ChangeVerb.Deleted);
    }

    public bool IsAnnounced(Guid floatingIP) => _announcers.ContainsKey(floatingIP);

    public void PutAdvertisement(Guid floatingIP, string controlNode, IReadOnlyDictionary<RouteKey, uint> paths)
    {
        if (!Advertisements.ContainsKey((floatingIP, controlNode))) _announcers[floatingIP] = _announcers.GetValueOrDefault(floatingIP) + 1;
        Advertisements[(floatingIP, controlNode)] = paths;
    }

    public void RemoveAdvertisement(Guid floatingIP, string controlNode)
    {
        if (!Advertisements.Remove((floatingIP, controlNode))) return;
        if (--_announcers[floatingIP] == 0) _announcers.Remove(floatingIP);
    }

    /// <summary>The lease is held, and not over by the database's clock.</summary>
    public bool IsHeld(LeaderLease lease) => Lease is { } held && held.Run == lease.Run && held.Fence == lease.Fence && MemoryLeaderLeaseStore.IsCurrent(held, Now);

    public IEnumerable<FloatingIP> HeldBy(Guid service) => FloatingIPs.Values.Where(f => f.Service == service);

    public VirtualRouter? RouterOf(string name) => Routers.Values.FirstOrDefault(r => r.Name == name);

    public bool HasAddress(IPAddress address, string otherThan) => Routers.Values.Any(r => r.Name != otherThan && Equals(r.Address, address));

    public static PostgresException Violation(string state, string message) => new(message, "ERROR", "ERROR", state);
}
