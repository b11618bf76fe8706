using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;
using CN2.Simulation.Tests.Scheduling;
using CN2.VRouter;

namespace CN2.Simulation.Tests.Nodes;

/// <summary>
/// A compute node with its agent: it keeps its table while it has no server (headless), applies what it gets, names the entries that nftables
/// would refuse and applies all others, and dials another replica when its stream ends: in its own order, as cn2-vrouter does it (<see cref="ServerTurns"/>).
/// </summary>
internal sealed class Node(string name, IPAddress address, IReadOnlyList<Publisher> servers, Scheduler scheduler, Random random)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestRetryInterval = TimeSpan.FromSeconds(60);

    /// <summary>How long a server may take to answer the hello.</summary>
    private static readonly TimeSpan HelloPatience = TimeSpan.FromSeconds(1.9);

    /// <summary>What the server wants here.</summary>
    private readonly Dictionary<NatEntryKey, VirtualRouterNatEntry> _wanted = [];
    private readonly Dictionary<NatEntryKey, VirtualRouterNatEntry> _table = [];
    private readonly Dictionary<IPAddress, int> _carrying = [];
    private readonly HashSet<NatEntryKey> _unapplied = [];

    /// <summary>What is wanted and not in force; the version before may still be.</summary>
    private readonly HashSet<NatEntryKey> _refused = [];
    private readonly HashSet<string> _cut = [];
    private AgentStream? _stream;
    private bool _isApplying;
    private TimeSpan _retryAfter = RetryInterval;
    private long _connections;
    private int _dials;
    private ulong _revision;
    private int _life;

    /// <summary>The address of each server, by which the agent orders them.</summary>
    private readonly Dictionary<Uri, Publisher> _servers = servers.ToDictionary(s => new Uri($"http://{s.Name}:8081"));

    /// <summary>Of the agent's process.</summary>
    private ServerTurns _turns = null!;

    /// <summary>When a server has sent the agent's process on last; null: none did.</summary>
    private long? _sentOnAt;

    public string Name { get; } = name;

    /// <summary>The next hop of its routes.</summary>
    public IPAddress Address { get; set; } = address;

    /// <summary>The machine runs; without it nothing is forwarded.</summary>
    public bool IsUp { get; private set; } = true;

    /// <summary>The agent's process runs; the table forwards without it.</summary>
    public bool HasAgent { get; private set; } = true;

    /// <summary>It has applied a whole configuration since the machine booted: before, it cannot forward.</summary>
    public bool IsProgrammed { get; private set; }

    public bool IsConnected => _stream is { IsOpen: true };

    /// <summary>The server of its stream.</summary>
    public string? Server => _stream is { IsOpen: true } stream ? stream.Server.Name : null;

    public IReadOnlyDictionary<NatEntryKey, VirtualRouterNatEntry> Table => _table;

    /// <summary>An address that the node translated is no longer translated here.</summary>
    public event Action<Node, IPAddress>? Dropped;

    /// <summary>For the trace.</summary>
    public event Action<Node, string>? Applied;

    /// <summary>A server has sent the agent on, so long after one had done so before (null: none had).</summary>
    public event Action<Node, TimeSpan?>? SentOn;

    public bool IsTraced { get; init; }

    /// <summary>The node translates packets to this address to a backend.</summary>
    public bool Carries(IPAddress floatingIP) => _carrying.ContainsKey(floatingIP);

    /// <summary>nftables refuses an entry with this backend; a stand-in for whatever it may refuse.</summary>
    public static bool IsRefused(IPAddress backend) => backend.GetAddressBytes() is [10, 66, ..];

    public void StartAgent()
    {
        HasAgent = true;
        _turns = new ServerTurns(ServerOrder.Of(Name, [.. _servers.Keys]), new SimulatedTime(scheduler, new Machine(scheduler, Name)));
        _sentOnAt = null;
        var life = ++_life;
        Dial(life);
    }

    /// <summary>The agent's process is killed; its table stays.</summary>
    public void KillAgent()
    {
        _life++;
        HasAgent = false;
        _stream?.Break();
        _stream = null;
        _wanted.Clear();
        _unapplied.Clear();
        _refused.Clear();
        _isApplying = false;
        _revision = 0;
    }

    /// <summary>The machine is dead, and its table with it.</summary>
    public void KillMachine()
    {
        KillAgent();
        IsUp = IsProgrammed = false;
        _table.Clear();
        _carrying.Clear();
    }

    public void StartMachine()
    {
        IsUp = true;
        StartAgent();
    }

    /// <summary>Packets between the node and this server are dropped: both sides notice by silence.</summary>
    public void Cut(string server)
    {
        _cut.Add(server);
        if (_stream is { } stream && stream.Server.Name == server) stream.IsCut = true;
    }

    public void Mend(string server)
    {
        _cut.Remove(server);
        if (_stream is { } stream && stream.Server.Name == server) stream.IsCut = false;
    }

    public void MendAll()
    {
        foreach (var server in _cut.ToList()) Mend(server);
    }

    /// <summary>A message of the server.</summary>
    public void Receive(AgentStream stream, ulong revision, VRouterConfig? config, VRouterDelta? delta)
    {
        if (stream != _stream) return;
        if (config is not null)
        {
            _unapplied.UnionWith(_wanted.Keys);
            _unapplied.UnionWith(_table.Keys);
            _wanted.Clear();
            foreach (var entry in config.NatEntries) Put(entry);
        }

        foreach (var part in delta?.NatEntryParts ?? [])
        {
            foreach (var key in part.Removed)
            {
                _wanted.Remove(key);
                _unapplied.Add(key);
            }

            foreach (var entry in part.Put) Put(entry);
        }

        _revision = revision;
        _retryAfter = RetryInterval;
        ApplyLater(TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(120) : 1));
    }

    /// <summary>The stream ended.</summary>
    public void Lost(AgentStream stream)
    {
        if (stream != _stream) return;
        _stream = null;
        var isSentOn = stream is { IsSentOn: true, IsCut: false };
        _turns.Ended(TimeSpan.FromTicks(scheduler.Now - stream.BeganAt), isSentOn);
        if (isSentOn)
        {
            SentOn?.Invoke(this, _sentOnAt is { } before ? TimeSpan.FromTicks(scheduler.Now - before) : null);
            _sentOnAt = scheduler.Now;
        }

        DialLater(TimeSpan.FromMilliseconds(random.Next(600)));
    }

    private void Put(VirtualRouterNatEntry entry)
    {
        _wanted[entry.Key] = entry;
        _unapplied.Add(entry.Key);
    }

    private void ApplyLater(TimeSpan delay)
    {
        if (_isApplying) return;
        _isApplying = true;
        var life = _life;
        scheduler.After(delay, () =>
        {
            if (life != _life) return;
            _isApplying = false;
            Apply();
        });
    }

    private void Apply()
    {
        var revision = _revision;
        _unapplied.UnionWith(_refused);
        var before = _unapplied.Select(k => k.Address).OfType<IPAddress>().Where(Carries).Distinct().ToList();
        foreach (var key in _unapplied)
        {
            _refused.Remove(key);
            var isWanted = _wanted.TryGetValue(key, out var entry);
            if (isWanted && entry!.Backends.Any(b => IsRefused(b.Address)))
            {
                _refused.Add(key);
                continue;
            }

            if (_table.Remove(key, out var old) && old.Carries) Count(key, -1);
            if (!isWanted) continue;
            _table[key] = entry!;
            if (entry!.Carries) Count(key, 1);
        }

        if (IsTraced) Applied?.Invoke(this, $"applied {revision}: {string.Join(' ', _unapplied.Select(k => _refused.Contains(k) ? $"!{k.Address}" : _wanted.ContainsKey(k) ? $"+{k.Address}" : $"-{k.Address}"))}");
        _unapplied.Clear();
        IsProgrammed = true;
        foreach (var address in before.Where(a => !Carries(a))) Dropped?.Invoke(this, address);
        VRouterRefusal[] refused = [.. _refused.Select(k => new VRouterRefusal(new VirtualRouterItem.NatEntry(k), "Invalid argument"))];
        _stream?.Tell(l => l.Applied(Name, revision, null, refused));
        if (refused.Length == 0) return;
        ApplyLater(_retryAfter);
        _retryAfter = _retryAfter * 2 < LongestRetryInterval ? _retryAfter * 2 : LongestRetryInterval;
    }

    private void Count(NatEntryKey key, int change)
    {
        if (key.Address is not { } address) return;
        var count = _carrying.GetValueOrDefault(address) + change;
        if (count == 0) _carrying.Remove(address);
        else _carrying[address] = count;
    }

    private void DialLater(TimeSpan delay)
    {
        var life = _life;
        scheduler.After(delay, () =>
        {
            if (life == _life) Dial(life);
        });
    }

    private void Dial(int life)
    {
        if (!IsUp || !HasAgent || _stream is not null) return;
        var server = _servers[_turns.Next()];
        var dial = ++_dials;
        var hello = new VRouterHello(Name, Address, null, "simulated")
        {
            Instance = Name,
            Source = Address,
            Connection = ++_connections,
            OtherServers = _turns.Others is { } others ? new VRouterOtherServers(others.Preferred, TimeSpan.FromSeconds(others.StaysSeconds)) : null,
        };
        if (_cut.Contains(server.Name) || !server.Dial(this, hello, Answered))
        {
            Next(TimeSpan.FromMilliseconds(500));
            return;
        }

        scheduler.After(HelloPatience, () =>
        {
            if (dial == _dials && life == _life && _stream is null) Next(TimeSpan.Zero);
        });

        void Answered(AgentStream? stream)
        {
            if (dial != _dials || life != _life || !IsUp || _stream is not null || stream is { IsOpen: false })
            {
                stream?.Break();
                if (dial == _dials && life == _life && IsUp && _stream is null) Next(TimeSpan.FromMilliseconds(500));
                return;
            }

            if (stream is null)
            {
                Next(TimeSpan.FromSeconds(1));
                return;
            }

            _stream = stream;
            if (_cut.Contains(server.Name)) stream.IsCut = true;
            Beat(stream, life);
        }

        void Next(TimeSpan delay)
        {
            _dials++;
            DialLater(delay);
        }
    }

    private void Beat(AgentStream stream, int life)
    {
        if (life != _life || stream != _stream || !stream.IsOpen) return;
        stream.Tell(l => l.Seen(Name, 0));
        scheduler.After(Heartbeat, () => Beat(stream, life));
    }
}
