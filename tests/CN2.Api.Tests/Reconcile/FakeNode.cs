using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// A compute node: its agent keeps a table of what the server sent and acknowledges at once, unless the test says otherwise
/// (<see cref="Acknowledges"/>, <see cref="Refuses"/>).
/// </summary>
internal sealed class FakeNode(string name, string address)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NatEntryKey, VirtualRouterNatEntry> _wanted = [];
    private readonly HashSet<IPAddress> _drops = [];
    private readonly Dictionary<Guid, VRouterProbe> _probes = [];
    private readonly Dictionary<VRouterAttachmentKey, VRouterAttachment> _attachments = [];
    private readonly Dictionary<IPAddress, Guid> _holders = [];
    private readonly Dictionary<VRouterAttachmentKey, VRouterCarriers> _carriers = [];
    private Dictionary<NatEntryKey, VirtualRouterNatEntry> _table = [];
    private FakeAgents? _server;
    private VRouterHello? _hello;
    private ulong _revision;

    public string Name => name;

    public VRouterHello Hello => _hello ??= NewHello();

    /// <summary>What it gives as its address with the next hello.</summary>
    public string Address { get; set; } = address;

    /// <summary>What it says of itself with the next hello, and where it seems to come from.</summary>
    public string? Instance { get; set; }
    public string? Source { get; set; }
    public long Connection { get; set; }

    /// <summary>Of the VirtualRouter that its certificate stands for; null: it has none.</summary>
    public Guid? Uid { get; set; }

    /// <summary>Said with the next hello.</summary>
    public VRouterOtherServers? OtherServers { get; set; }

    /// <summary>Entries that it refuses alone, at the next acknowledgement.</summary>
    public HashSet<NatEntryKey> RefusedKeys { get; } = [];

    /// <summary>Sent with the next hello.</summary>
    public string? OverlayEngine { get; set; }

    /// <summary>False: it takes what is sent and answers nothing until <see cref="Acknowledge"/>.</summary>
    public bool Acknowledges { get; set; } = true;

    /// <summary>While set, it refuses what is sent with this sentence.</summary>
    public string? Refuses { get; set; }

    public int Messages { get; private set; }

    /// <summary>How many lists of the nodes of a FloatingIP have come as changes.</summary>
    public int CarrierListsTold { get; private set; }

    /// <summary>What it has acknowledged.</summary>
    public IReadOnlyDictionary<NatEntryKey, VirtualRouterNatEntry> Table
    {
        get
        {
            lock (_lock) return _table;
        }
    }

    public IReadOnlyCollection<IPAddress> Drops
    {
        get
        {
            lock (_lock) return [.. _drops];
        }
    }

    public IReadOnlyCollection<VRouterProbe> Probes
    {
        get
        {
            lock (_lock) return [.. _probes.Values];
        }
    }

    /// <summary>Who the FloatingIP in the underlay belongs to, as the server says; null: it does not say.</summary>
    public VRouterAttachment? AttachmentOf(string floatingIP)
    {
        lock (_lock) return _attachments.GetValueOrDefault(new VRouterAttachmentKey(0, IPAddress.Parse(floatingIP)));
    }

    /// <summary>The VirtualMachineInterface that has this address, which another one had before; null: nobody else had it.</summary>
    public Guid? HolderOf(string address)
    {
        lock (_lock) return _holders.TryGetValue(IPAddress.Parse(address), out var holder) ? holder : null;
    }

    /// <summary>The nodes that the node passes ICMP errors for this FloatingIP on to, and itself; empty: it passes none on.</summary>
    public IReadOnlyList<string> CarriersOf(string floatingIP, int routingInstance = 0)
    {
        lock (_lock) return [.. _carriers.GetValueOrDefault(new VRouterAttachmentKey(routingInstance, IPAddress.Parse(floatingIP)))?.Nodes.Select(n => n.ToString()) ?? []];
    }

    /// <summary>The node takes new flows for this address.</summary>
    public bool Carries(string floatingIP) => Entries(floatingIP).Any(e => e.Carries);

    /// <summary>The server has sent an entry with an endpoint for this address, acknowledged or not; those for callers inside do not count.</summary>
    public bool WasTold(string floatingIP)
    {
        lock (_lock) return _wanted.Values.Any(e => e.Key.Address?.ToString() == floatingIP && e.Backends.Count + e.Draining.Count > 0);
    }

    public IEnumerable<VirtualRouterNatEntry> Entries(string floatingIP) => Table.Values.Where(e => e.Key.Address?.ToString() == floatingIP);

    public void ConnectTo(FakeAgents server)
    {
        Disconnect();
        _hello = null;
        _server = server;
        server.Add(this);
    }

    public void Disconnect()
    {
        _server?.Remove(this);
        _server = null;
    }

    public void Report(Guid endpoint, EndpointHealth health) => _server!.Listener.Health(name, [(endpoint, health, null)]);

    /// <summary>What its agent finds on the node; null: it does not look, as an older one.</summary>
    public void Inspect(params VRouterNodeFault[]? faults) => ((IVRouterListener)_server!.Listener).Inspected(name, faults);

    public void Count(VRouterOverlayCounters counters) => ((IVRouterListener)_server!.Listener).Counted(name, counters);

    public void Count(VRouterIcmpCounters counters) => ((IVRouterListener)_server!.Listener).Counted(name, counters);

    public void Take(ulong revision, VRouterConfig config)
    {
        lock (_lock)
        {
            _wanted.Clear();
            _drops.Clear();
            _probes.Clear();
            _attachments.Clear();
            _holders.Clear();
            _carriers.Clear();
            foreach (var carriers in config.Carriers) _carriers[carriers.Key] = carriers;
            foreach (var attachment in config.Attachments) _attachments[attachment.Key] = attachment;
            foreach (var holder in config.EndpointHolders) _holders[holder.Address] = holder.Endpoint;
            Put(config.NatEntries, config.FloatingIPs, config.Probes);
        }

        Answer(revision);
    }

    public void Take(ulong revision, VRouterDelta delta)
    {
        lock (_lock)
        {
            foreach (var part in delta.NatEntryParts)
            {
                foreach (var key in part.Removed) _wanted.Remove(key);
                foreach (var entry in part.Put) _wanted[entry.Key] = entry;
            }

            _drops.ExceptWith(delta.RemovedFloatingIPs);
            foreach (var uid in delta.RemovedProbes) _probes.Remove(uid);
            foreach (var key in delta.RemovedAttachments) _attachments.Remove(key);
            foreach (var key in delta.RemovedCarriers) _carriers.Remove(key);
            foreach (var carriers in delta.Carriers) _carriers[carriers.Key] = carriers;
            CarrierListsTold += delta.Carriers.Count;
            foreach (var attachment in delta.Attachments) _attachments[attachment.Key] = attachment;
            foreach (var holder in delta.EndpointHolders) _holders[holder.Address] = holder.Endpoint;
            Put([], delta.FloatingIPs, delta.Probes);
        }

        Answer(revision);
    }

    /// <summary>Applies everything that was sent and acknowledges it, or refuses it.</summary>
    public void Acknowledge()
    {
        List<VRouterRefusal> refused;
        lock (_lock)
        {
            if (_revision == 0) return;
            if (Refuses is null) _table = _wanted.Where(e => !RefusedKeys.Contains(e.Key)).ToDictionary();
            refused = [.. _wanted.Keys.Where(RefusedKeys.Contains).Select(k => new VRouterRefusal(new VirtualRouterItem.NatEntry(k), "the kernel says no"))];
        }

        _server?.Listener.Applied(name, _revision, Refuses, Refuses is null ? refused : []);
    }

    /// <summary>The node restarts: its agent is gone and its table is empty.</summary>
    public void Reboot()
    {
        Disconnect();
        lock (_lock) _table = [];
    }

    private VRouterHello NewHello() => new(name, IPAddress.Parse(Address), null, "1.0", OverlayEngine)
    {
        Instance = Instance,
        Source = Source is null ? null : IPAddress.Parse(Source),
        Connection = Connection,
        Uid = Uid,
        OtherServers = OtherServers,
    };

    private void Put(IEnumerable<VirtualRouterNatEntry> natEntries, IEnumerable<IPAddress> drops, IEnumerable<VRouterProbe> probes)
    {
        foreach (var entry in natEntries) _wanted[entry.Key] = entry;
        _drops.UnionWith(drops);
        foreach (var probe in probes) _probes[probe.Uid] = probe;
    }

    private void Answer(ulong revision)
    {
        _revision = revision;
        Messages++;
        if (Acknowledges) Acknowledge();
    }
}
