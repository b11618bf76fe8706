extern alias agent;

using System.Diagnostics;
using System.Net;
using agent::CN2.VRouter.V1;

namespace CN2.Bench.Load;

/// <summary>Many agents of one server or several, each with a connection of its own, their heartbeats spread over the interval.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Parts of the heartbeats' interval, in each of which as many agents beat.</summary>
    private const int Slices = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _ending = new();
    private readonly Random _random;
    private readonly Timer _beats;
    private volatile FleetAgent[] _agents = [];
    private long _since;
    private int _slice;
    private bool _isDisposed;

    /// <param name="servers">Of the agents' port; of several, each agent has an order of its own, as cn2-vrouter.</param>
    /// <param name="seed">Of what is random about the agents.</param>
    public Fleet(IReadOnlyList<Uri> servers, int seed)
    {
        (Servers, _random) = (servers, new Random(seed));
        var pace = HeartbeatProtocol.Interval / Slices;
        _beats = new Timer(_ => Beat(), null, pace, pace);
    }

    public IReadOnlyList<Uri> Servers { get; }

    public FleetAgent[] Agents => _agents;

    /// <summary>So many addresses of the drop set, and a complete snapshot, are the whole.</summary>
    public int AddressesOfWhole { get; set; }

    /// <summary>Bytes that the agents look for in what comes; null: none.</summary>
    public byte[]? Landmark { get; private set; }

    /// <summary>Good agents that have their whole, by a connection since <see cref="StartOver"/>.</summary>
    public int Whole => _agents.Count(a => a.IsGood && a.WholeSince > _since);

    /// <summary>Good agents that have seen the landmark.</summary>
    public int Passed => _agents.Count(a => a.IsGood && a.PassedAt != 0);

    public int Good => _agents.Count(a => a.IsGood);

    public long Bytes => _agents.Sum(a => a.Bytes);

    public long Items => _agents.Sum(a => a.Items);

    public int Attempts => _agents.Sum(a => a.Attempts);

    /// <summary>Streams of good agents that ended though nobody here wanted it.</summary>
    public int Broken => _agents.Where(a => a.IsGood).Sum(a => a.Broken);

    public static string NameOf(int number) => $"fleet{number}";

    /// <summary>Adds agents, which connect at once. Their numbers go on from those that are there.</summary>
    /// <param name="witness">Looks at the bytes of each message to them; null: nobody does.</param>
    public void Add(int agents, AgentBehaviour behaviour = AgentBehaviour.Good, Action<ReadOnlySpan<byte>>? witness = null)
    {
        _agents = [.. _agents, .. Enumerable.Range(_agents.Length, agents).Select(i => new FleetAgent(this, HelloOf(i), behaviour, witness, _ending.Token))];
    }

    /// <summary>From now on the agents look for this address in the drop set.</summary>
    public void LookFor(IPAddress address)
    {
        Landmark = null;
        foreach (var agent in _agents) agent.ForgetLandmark();
        // As the field stands in the message, so that four bytes that happen to be the same elsewhere do not count.
        var bytes = address.GetAddressBytes();
        Landmark = [(agent::CN2.VRouter.V1.Items.FloatingIpsFieldNumber << 3) | 2, (byte)bytes.Length, .. bytes];
    }

    /// <summary>What the agents have now does not count as their whole any more.</summary>
    public void StartOver() => _since = Stopwatch.GetTimestamp();

    /// <summary>Ends all connections; the agents come back by themselves.</summary>
    public void DropAll()
    {
        StartOver();
        foreach (var agent in _agents) agent.Drop();
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await _beats.DisposeAsync();
        await _ending.CancelAsync();
        await Task.WhenAll(_agents.Select(a => a.Ended)).WaitAsync(Patience);
        _ending.Dispose();
    }

    private Hello HelloOf(int number)
    {
        var instance = new byte[16];
        _random.NextBytes(instance);
        var hello = StormAgent.HelloOf(NameOf(number), new IPAddress([172, 28, (byte)(number / 250), (byte)((number % 250) + 1)]), instance, 0);
        hello.TakesInside = true;
        return hello;
    }

    private void Beat()
    {
        var agents = _agents;
        for (var i = Interlocked.Increment(ref _slice) % Slices; i < agents.Length; i += Slices) agents[i].Beat();
    }
}
