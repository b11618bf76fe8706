using System.Collections.Concurrent;
using CN2.Api.Drivers;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The <see cref="IVRouterPublisher"/> of one replica with <see cref="FakeNode"/>s instead of streams.</summary>
internal sealed class FakeAgents : IVRouterPublisher, IDisposable
{
    /// <summary>The nodes beat, as agents do: a connected one that is silent counts as away.</summary>
    private static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, FakeNode> _nodes = [];
    private IVRouterListener? _listener;
    private Timer? _beat;
    private long _snapshots;
    private long _deltas;
    private long _natEntries;

    public VRouterPublisherCounters Counters => new(Interlocked.Read(ref _snapshots), Interlocked.Read(ref _deltas), Interlocked.Read(ref _natEntries));

    public IVRouterListener Listener => _listener!;

    public void Listen(IVRouterListener listener)
    {
        lock (_lock)
        {
            _listener = listener;
            foreach (var node in _nodes.Values) listener.Connected(node.Hello);
            _beat ??= new Timer(_ => Beat(), null, BeatInterval, BeatInterval);
        }
    }

    public void Dispose() => _beat?.Dispose();

    private void Beat()
    {
        lock (_lock)
        {
            foreach (var name in _nodes.Keys) _listener?.Seen(name, 0);
        }
    }

    public void Add(FakeNode node)
    {
        lock (_lock)
        {
            _nodes[node.Name] = node;
            _listener?.Connected(node.Hello);
        }
    }

    public void Remove(FakeNode node)
    {
        lock (_lock)
        {
            if (_nodes.Remove(node.Name)) _listener?.Disconnected(node.Name);
        }
    }

    public void Publish(string name, ulong revision, VRouterConfig config)
    {
        Interlocked.Increment(ref _snapshots);
        Interlocked.Add(ref _natEntries, config.NatEntries.Count);
        Find(name)?.Take(revision, config);
    }

    /// <summary>Why the server ended the connection of an agent, by its name.</summary>
    public ConcurrentDictionary<string, string> SentAway { get; } = [];

    public void End(VRouterHello hello, string reason)
    {
        SentAway[hello.Name] = reason;
        if (Find(hello.Name) is { } node) Remove(node);
    }

    /// <summary>The agents that the server has sent on, in order.</summary>
    public ConcurrentQueue<string> SentOn { get; } = [];

    /// <summary>Where agents that the server sends on connect next.</summary>
    public FakeAgents? Next { get; set; }

    public bool SendOn(VRouterHello hello, string reason)
    {
        if (Find(hello.Name) is not { } node) return false;
        SentOn.Enqueue(hello.Name);
        Remove(node);
        node.OtherServers = node.OtherServers! with { Stays = TimeSpan.FromMinutes(10) };
        if (Next is { } next) _ = Task.Run(() => node.ConnectTo(next)); // the loop that sends it on does not wait for that
        return true;
    }

    public bool EndVanished(VRouterHello hello, string reason)
    {
        End(hello, reason);
        return true;
    }

    public bool Publish(string name, ulong revision, VRouterDelta delta)
    {
        Interlocked.Increment(ref _deltas);
        Interlocked.Add(ref _natEntries, delta.NatEntryParts.Sum(p => p.Put.Count));
        Find(name)?.Take(revision, delta);
        return true;
    }

    public bool PublishInTurn(string name, ulong revision, VRouterDelta delta) => Publish(name, revision, delta);

    private FakeNode? Find(string name)
    {
        lock (_lock) return _nodes.GetValueOrDefault(name);
    }
}
