using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Network.Collections;

namespace CN2.Api.Reconcile;

/// <summary>
/// Which agents go to other control nodes. There are three ways, of which the first and the last are for agents that have other servers:
/// <para>Turned away: its hello is refused, so it is not connected here (<see cref="RefusalOf"/>).</para>
/// <para>Sent away: its stream is ended, because the database is away from this control node for longer than <see cref="DatabaseAwayAfter"/>. One with a single server may find another control node behind its name.</para>
/// <para>Sent on: its stream is ended, because this control node has more than its share (<see cref="AgentRelief"/>). Only then it says to its next servers that it stays there.</para>
/// Any thread.
/// </summary>
internal sealed partial class AgentRelocation(IVRouterPublisher publisher, AgentShare shares, ControlNodeOptions self, TimeProvider time, ILogger<AgentRelocation> logger)
{
    /// <summary>Longer than a fail-over of the database takes, and shorter than an agent may be away.</summary>
    public static readonly TimeSpan DatabaseAwayAfter = TimeSpan.FromSeconds(5);

    /// <summary>So long an agent is here at least before it is sent on.</summary>
    private static readonly TimeSpan ShortestStay = AgentRelief.Patience;

    /// <summary>An agent that was turned away, because there is no room or not everything is read, is taken when it comes again within this time: it has tried its other servers.</summary>
    public static readonly TimeSpan TurnedAwayFor = TimeSpan.FromMinutes(1);

    /// <summary>So many agents are remembered that were sent away, and so many that were turned away.</summary>
    private const int MostRemembered = 100_000;

    private readonly Lock _lock = new();

    /// <summary>The agents that are connected here and were not sent on, with the <see cref="TimeProvider.GetTimestamp"/> of their hellos.</summary>
    private readonly Dictionary<string, (VRouterHello Hello, long At)> _here = [];

    private bool _hasLoaded;

    /// <summary>Since when the database takes nothing; null: it does.</summary>
    private long? _awaySince;

    /// <summary>When it took nothing last.</summary>
    private long _failedAt;

    /// <summary>The change feed could not be read when this replica tried last.</summary>
    private bool _isFeedAway;

    /// <summary>
    /// Agents that were sent to another replica since then, and whether they had been sent on before. Each is sent once: when it comes back, the others are no better
    /// off. And once more when another replica has sent it here because this one was to have more.
    /// </summary>
    private readonly HashSet<(string Name, bool WasSentOn)> _sentAway = [];

    /// <summary>Agents that were turned away with the database at hand, and when: before everything was read, or because others had sent them on to this replica and it had no room either.</summary>
    private readonly OrderedDictionary<string, long> _turnedAway = [];

    private readonly AgentRelief _relief = new(shares, time, logger);
    private int _others;
    private long _othersAt;

    /// <summary>This control node can do for an agent what it needs. The others are told with each heartbeat, and count it for the shares only then.</summary>
    public bool TakesAgents
    {
        get
        {
            lock (_lock) return _hasLoaded && _awaySince is null && !_isFeedAway;
        }
    }

    /// <summary>False: nothing is known yet of what an agent is to have.</summary>
    public bool HasLoaded
    {
        get
        {
            lock (_lock) return _hasLoaded;
        }
    }

    /// <summary>Everything was read once.</summary>
    public void Loaded()
    {
        lock (_lock) _hasLoaded = true;
    }

    public void Connected(VRouterHello hello)
    {
        lock (_lock)
        {
            // The loop says again who is here, and may not have heard yet that a stream has ended.
            if ((_here.TryGetValue(hello.Name, out var known) && ReferenceEquals(known.Hello, hello)) || _relief.HasEnded(hello)) return;
            _here[hello.Name] = (hello, time.GetTimestamp());
            _relief.Connected(hello.Name);
        }
    }

    public void Disconnected(string name)
    {
        lock (_lock) _here.Remove(name);
    }

    /// <summary>Ends the stream of an agent that may not be connected anywhere. Nothing is remembered of that.</summary>
    public void End(VRouterHello hello, string reason) => publisher.End(hello, reason);

    /// <summary>A heartbeat of this replica has just found so many others that take agents.</summary>
    public void Found(int others)
    {
        lock (_lock)
        {
            (_others, _othersAt) = (others, time.GetTimestamp());
            // Without agents nothing is written that could tell.
            if (_here.Count == 0 && time.GetElapsedTime(_failedAt) > ControlNodeLiveness.GoneAfter) Answered();
        }
    }

    public void DatabaseAnswers()
    {
        lock (_lock) Answered();
    }

    /// <summary>The database takes nothing at this moment.</summary>
    public void DatabaseIsAway()
    {
        List<VRouterHello> sent;
        lock (_lock)
        {
            _failedAt = time.GetTimestamp();
            _awaySince ??= _failedAt;
            if (!SendsAway()) return;
            sent = [.. _here.Values.Select(a => a.Hello).Where(MayGo)];
        }

        if (sent.Count == 0) return;
        LogNoDatabase(sent.Count, self.Name);
        foreach (var hello in sent) publisher.End(hello, NoDatabase);
    }

    /// <summary>
    /// Why the agent is turned away, in a sentence for it. Null: this control node takes it, and always one that has no other server. Each agent is turned away once, and is taken when it comes again:
    /// before everything is read or while the database is away, because the others are no better off; and when another replica has sent it on and there is no room here either,
    /// because none of its servers has room.
    /// </summary>
    public string? RefusalOf(VRouterHello hello)
    {
        if (hello.OtherServers is null) return null;
        lock (_lock)
        {
            if (!_hasLoaded && MayTurnAway(hello.Name)) return $"control node {self.Name} has not read everything from its database yet; another one may serve this agent";
            if (SendsAway() && MayGo(hello)) return NoDatabase;
            return _here.Count >= _relief.Share && WasSentOn(hello) && !_relief.HasSentOn(hello.Name) && MayTurnAway(hello.Name)
                ? $"control node {self.Name} has its share of the agents; another one may take this agent"
                : null;
        }
    }

    /// <summary>Sends some agents on while there are too many here. At most once a second.</summary>
    /// <param name="agents">Those that are connected to any control node that is alive.</param>
    /// <param name="isFeedAway">What is known of the others is old.</param>
    public void Relieve(int agents, bool isFeedAway)
    {
        List<VRouterHello> sent;
        int here;
        int? share;
        lock (_lock)
        {
            _isFeedAway = isFeedAway;
            if (isFeedAway || _awaySince is not null || time.GetElapsedTime(_othersAt) > ControlNodeLiveness.GoneAfter)
            {
                _relief.Suspend();
                return;
            }

            here = _here.Count;
            var count = _relief.Judge(here, agents, _others + 1);
            if (count == 0) return;
            share = _relief.Share;
            sent =
            [
                .. _here.Values.Where(a => MayGoIn(a) <= TimeSpan.Zero).OrderByDescending(a => a.Hello.OtherServers!.Preferred).Take(count).Select(a => a.Hello),
            ];
            if (sent.Count == 0) _relief.Stuck(here, FirstMayGoIn());
            foreach (var hello in sent)
            {
                _here.Remove(hello.Name);
                _relief.Sent(hello);
            }
        }

        foreach (var hello in sent)
        {
            if (publisher.SendOn(hello, $"control node {self.Name} has {here} agents, and its share is {share}: another one takes this agent")) continue;
            lock (_lock) _relief.NotSent(hello);
        }
    }

    /// <summary>In how long the agent may be sent on; zero or less: now. Null: never.</summary>
    private TimeSpan? MayGoIn((VRouterHello Hello, long At) agent) =>
        agent.Hello.OtherServers is { } others ? Longer(others.Stays, ShortestStay) - time.GetElapsedTime(agent.At) : null;

    /// <summary>In how long the first agent may be sent on; null: none ever.</summary>
    private TimeSpan? FirstMayGoIn() => _here.Values.Min(MayGoIn);

    private string NoDatabase => $"control node {self.Name} does not reach its database; another one may";

    /// <summary>The database is away for so long that agents are better off elsewhere, if there was another replica when that was last known.</summary>
    private bool SendsAway() => _awaySince is { } since && _others > 0 && time.GetElapsedTime(since) >= DatabaseAwayAfter;

    private bool MayGo(VRouterHello hello) => _sentAway.Count < MostRemembered && _sentAway.Add((hello.Name, WasSentOn(hello)));

    private bool MayTurnAway(string name)
    {
        if (_turnedAway.TryGetValue(name, out var at) && time.GetElapsedTime(at) < TurnedAwayFor) return false;
        _turnedAway.PutLast(name, time.GetTimestamp(), MostRemembered);
        return true;
    }

    private static bool WasSentOn(VRouterHello hello) => hello.OtherServers is { Stays.Ticks: > 0 };

    private void Answered()
    {
        _awaySince = null;
        _sentAway.Clear();
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    [LoggerMessage(EventId = 207, Level = LogLevel.Warning, Message = "{Count} agents are sent to another control node, because {ControlNode} does not reach the database")]
    private partial void LogNoDatabase(int count, string controlNode);
}
