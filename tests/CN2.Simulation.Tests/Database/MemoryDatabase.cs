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
    private const int KeptChanges = 20_000;

    private readonly List<ChangeRow> _changes = [];
    private readonly SortedSet<ulong> _running = [];

    /// <summary>FloatingIP → how many control nodes have an announcement row of it.</summary>
    private readonly Dictionary<Guid, int> _announcers = [];
    private readonly HashSet<MemoryReading> _readings = [];

    /// <summary>When each announcement row was first written.</summary>
    private readonly Dictionary<(Guid FloatingIP, string ControlNode), DateTimeOffset> _announcedAt = [];
    private Tables _tables = new();
    private FeedSnapshot _horizon = FeedSnapshot.Nothing;
    private ulong? _late;
    private int _epochs = 1;
    private DateTimeOffset? _renewedAt;
    private ulong _nextXid = 1000;
    private long _nextId = 1;
    private int _uids;

    public Dictionary<string, (string ControlNode, DateTimeOffset TakenAt)> SessionTurns { get; } = [];
    public Dictionary<Guid, ExternalNetwork> Networks => _tables.Networks;
    public Dictionary<Guid, AddressPool> Pools { get; private set; } = [];
    public Dictionary<Guid, Service> Services => _tables.Services;
    public Dictionary<Guid, FloatingIP> FloatingIPs => _tables.FloatingIPs;
    public Dictionary<Guid, VirtualMachineInterface> Endpoints => _tables.Endpoints;
    public Dictionary<Guid, VirtualRouter> Routers => _tables.Routers;
    public Dictionary<Guid, RouterStatus> RouterStatuses => _tables.RouterStatuses;
    public Dictionary<string, BgpPeer> Peers => _tables.Peers;
    public Dictionary<string, ControlNodeRow> ControlNodes => _tables.ControlNodes;
    public IReadOnlyDictionary<(Guid FloatingIP, string ControlNode), IReadOnlyDictionary<RouteKey, uint>> Advertisements => _tables.Advertisements;
    public Dictionary<(Guid Router, AgentRefusalReason Reason), (string Message, DateTimeOffset LastAt)> Intruders => _tables.Intruders;
    public Dictionary<Guid, string> Statuses => _tables.Statuses;
    public Dictionary<string, IReadOnlyCollection<string>> OwedSessions => _tables.OwedSessions;

    public Dictionary<string, (object Writer, AgentsApplied? Applied)> AgentsApplied => _tables.AgentsApplied;

    public Dictionary<string, long> AnnouncementWriters => _tables.AnnouncementWriters;

    public LeaseRow? Lease { get; set; }

    public DateTimeOffset Now => now();

    /// <summary>Nobody has read since the fail-over, and nobody leads until then.</summary>
    public bool MustRenew { get; private set; }

    /// <inheritdoc cref="FeedEpochs.MayLackRows"/>
    public bool MayLackRows => MustRenew || (_renewedAt is { } at && Now < at + TimeSpan.FromSeconds(BgpPeer.LongestRestartTime));

    /// <summary>The life of the database; another one after a fail-over that lost commits.</summary>
    public Guid Epoch { get; private set; } = new(1, 0, 0, new byte[8]);

    /// <summary>The oldest transaction that is running; null: there is none.</summary>
    public ulong? OldestOpen => _running.Count > 0 ? _running.Min : null;

    /// <summary>Changes were committed.</summary>
    public event Action? Committed;

    /// <summary>For the trace.</summary>
    public event Action<Changes>? Written;

    /// <summary>An address was given to a FloatingIP.</summary>
    public event Action<FloatingIP>? Allocated;

    /// <summary>For the trace: a row says by which numbers a control node may announce a FloatingIP.</summary>
    public event Action<FloatingIP, string, IReadOnlyDictionary<RouteKey, uint>>? Advertised;

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

    public MemoryReading OpenReading()
    {
        if (MustRenew) Renew();
        var reading = new MemoryReading(this, _tables, new FeedSnapshot(_nextXid, [.. _running]), Epoch);
        _readings.Add(reading);
        return reading;
    }

    public void Close(MemoryReading reading) => _readings.Remove(reading);

    /// <exception cref="NpgsqlException">The reading's connection did not survive a fail-over.</exception>
    public MemoryReading Checked(IDatabaseReading reading)
    {
        var own = (MemoryReading)reading;
        return own.Epoch == Epoch ? own : throw new NpgsqlException("The connection with the database is lost.");
    }

    /// <summary>Up to so many changes after a position that the reading sees.</summary>
    public FeedPage Page(MemoryReading reading, FeedPosition after, int count)
    {
        Checked(reading);
        if (after.Epoch != Epoch || after.Seen.Xmax > reading.Seen.Xmax) return new FeedPage(FeedGap.Epoch, after, reading.Seen, [], More: false);
        if (!after.Seen.Includes(_horizon)) return new FeedPage(FeedGap.Removed, after, reading.Seen, [], More: false);
        var rows = new List<ChangeRow>();
        foreach (var xid in after.Seen.Running) Take(xid, xid);
        Take(after.Seen.Xmax, ulong.MaxValue);
        if (rows.Count > count) rows.RemoveRange(count, rows.Count - count);
        return new FeedPage(FeedGap.None, after, reading.Seen, rows, rows.Count == count);

        void Take(ulong first, ulong last)
        {
            for (var i = FirstOf(first); i < _changes.Count && _changes[i].Xid <= last && rows.Count < count; i++)
            {
                var row = _changes[i];
                if (reading.Seen.Sees(row.Xid) && !after.Covers(row.Xid, row.Id)) rows.Add(row);
            }
        }
    }

    /// <summary>The transactions of the newest changes that the reading sees, the newest first.</summary>
    public List<ulong> RecentChanges(MemoryReading reading)
    {
        var xids = new List<ulong>();
        for (int i = _changes.Count - 1, looked = 0; i >= 0 && looked < 1000; i--)
        {
            if (!reading.Seen.Sees(_changes[i].Xid)) continue;
            looked++;
            if (xids.Count == 0 || xids[^1] != _changes[i].Xid) xids.Add(_changes[i].Xid);
        }

        return xids;
    }

    /// <summary>The next write that tells of changes belongs to this transaction, which began long ago.</summary>
    public void CommitLate(ulong xid) => _late = xid;

    /// <summary>What a standby has that is behind.</summary>
    public DatabaseCopy Copy() => new(_tables.Copy(), Pools.ToDictionary(p => p.Key, p => p.Value.Copy()), Lease, [.. _changes], _nextXid, _nextId, new Dictionary<Guid, int>(_announcers), _horizon);

    /// <summary>An asynchronous standby takes over: what was committed since the copy is lost, and a new life begins.</summary>
    public void FailOver(DatabaseCopy copy)
    {
        (_tables, Pools, Lease) = (copy.Tables.Copy(), copy.Pools.ToDictionary(p => p.Key, p => p.Value.Copy()), copy.Lease);
        _changes.Clear();
        _changes.AddRange(copy.Changes);
        (_nextXid, _nextId, _horizon) = (copy.NextXid, copy.NextId, copy.Horizon);
        _announcers.Clear();
        foreach (var (floatingIP, count) in copy.Announcers) _announcers[floatingIP] = count;
        _running.Clear();
        _readings.Clear();
        _late = null;
        Epoch = new Guid(++_epochs, 0, 0, new byte[8]);
        MustRenew = true;
        Committed?.Invoke();
    }

    /// <summary>As <see cref="FeedEpochs"/> does it: whoever is judged by age gets its time to report.</summary>
    private void Renew()
    {
        (MustRenew, _renewedAt) = (false, Now);
        foreach (var (name, row) in ControlNodes.ToList()) ControlNodes[name] = row with { LastSeen = Now, RowsLost = true };
        foreach (var (uid, status) in RouterStatuses.ToList()) RouterStatuses[uid] = status with { LastSeen = Now, Applied = null };
    }

    private int FirstOf(ulong xid)
    {
        var (low, high) = (0, _changes.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_changes[middle].Xid >= xid) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>Runs one transaction; an exception rolls nothing back, so a check comes before the first write.</summary>
    public T Write<T>(Func<Changes, T> work)
    {
        if (_readings.Count > 0)
        {
            var frozen = _tables.Copy();
            foreach (var reading in _readings) reading.Tables = frozen;
            _readings.Clear();
        }

        var changes = new Changes();
        var result = work(changes);
        if (changes.Rows.Count == 0) return result;
        var xid = _late is { } late && _running.Remove(late) ? late : _nextXid++;
        _late = null;
        var at = xid == _nextXid - 1 ? _changes.Count : FirstOf(xid + 1);
        foreach (var row in changes.Rows)
        {
            row.Xid = xid;
            row.Id = _nextId++;
            row.At = Now;
        }

        _changes.InsertRange(at, changes.Rows);

        Written?.Invoke(changes);
        if (_changes.Count > 2 * KeptChanges)
        {
            // Only what nobody who is running can still add to.
            var last = Math.Min(_changes[KeptChanges - 1].Xid, (OldestOpen ?? ulong.MaxValue) - 1);
            _horizon = new FeedSnapshot(last + 1, []);
            _changes.RemoveRange(0, FirstOf(last + 1));
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

    /// <summary>How long ago an announcement row was written, by the database's clock.</summary>
    public TimeSpan AgeOf((Guid FloatingIP, string ControlNode) row) => Now - _announcedAt[row];

    public bool IsAnnounced(Guid floatingIP) => _announcers.ContainsKey(floatingIP);

    public void PutAdvertisement(Guid floatingIP, string controlNode, IReadOnlyDictionary<RouteKey, uint> paths)
    {
        if (!Advertisements.ContainsKey((floatingIP, controlNode)))
        {
            _announcers[floatingIP] = _announcers.GetValueOrDefault(floatingIP) + 1;
            _announcedAt[(floatingIP, controlNode)] = Now;
        }

        _tables.Advertisements[(floatingIP, controlNode)] = paths;
        if (Advertised is { } advertised && FloatingIPs.TryGetValue(floatingIP, out var of)) advertised(of, controlNode, paths);
    }

    public void RemoveAdvertisement(Guid floatingIP, string controlNode)
    {
        if (!_tables.Advertisements.Remove((floatingIP, controlNode))) return;
        if (--_announcers[floatingIP] == 0) _announcers.Remove(floatingIP);
    }

    /// <summary>The lease is held, and not over by the database's clock, and the epoch is the database's.</summary>
    public bool IsHeld(LeaderLease lease) => !MustRenew && Lease is { } held && held.Run == lease.Run && held.Fence == lease.Fence && MemoryLeaderLeaseStore.IsCurrent(held, Now);

    public IEnumerable<FloatingIP> HeldBy(Guid service) => FloatingIPs.Values.Where(f => f.Service == service);

    public VirtualRouter? RouterOf(string name) => Routers.Values.FirstOrDefault(r => r.Name == name);

    public bool HasAddress(IPAddress address, string otherThan) => Routers.Values.Any(r => r.Name != otherThan && Equals(r.Address, address));

    public static PostgresException Violation(string state, string message) => new(message, "ERROR", "ERROR", state);
}
