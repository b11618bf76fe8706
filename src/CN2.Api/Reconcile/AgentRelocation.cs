using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// Sends agents that are connected here to other control nodes. All of them while the database is away from this one for longer than
/// <see cref="DatabaseAwayAfter"/>: another one may reach it. Else some of them each second while this one has more than its share
/// (<see cref="AgentShare"/>), once that was clearly so for <see cref="Patience"/>. Any thread.
/// </summary>
internal sealed partial class AgentRelocation(IVRouterPublisher publisher, ControlNodeOptions self, TimeProvider time, ILogger logger)
{
    /// <summary>Longer than a fail-over of the database takes, and shorter than an agent may be away.</summary>
    public static readonly TimeSpan DatabaseAwayAfter = TimeSpan.FromSeconds(5);

    /// <summary>After a control node is gone, the others have its agents at once, and count it as alive for some seconds more: nobody is sent to it.</summary>
    public static readonly TimeSpan Patience = ControlNodeLiveness.GoneAfter + (2 * ControlNodeStore.BeatInterval);

    private readonly Lock _lock = new();

    /// <summary>The agents that are connected here and were not sent on, with the <see cref="TimeProvider.GetTimestamp"/> of their hellos.</summary>
    private readonly Dictionary<string, (VRouterHello Hello, long At)> _here = [];

    /// <summary>Since when the database takes nothing; null: it does.</summary>
    private long? _awaySince;

    /// <summary>
    /// Agents that were sent to another replica since then. Each is sent once: when it comes back, the others are no better off.
    /// </summary>
    private readonly HashSet<string> _sentAway = [];

    private int _others;
    private long _othersAt;

    /// <summary>Since when there are clearly too many agents here; null: there are not, or some are being sent on.</summary>
    private long? _exceededSince;
    private bool _isRelieving;

    /// <summary>How many agents were here a second ago, while some are being sent on.</summary>
    private int _hereBefore;
    private bool _saidStuck;
    private int _sentOn;

    public void Connected(VRouterHello hello)
    {
        lock (_lock)
        {
            if (!_here.TryGetValue(hello.Name, out var known) || !ReferenceEquals(known.Hello, hello)) _here[hello.Name] = (hello, time.GetTimestamp());
        }
    }

    public void Disconnected(string name)
    {
        lock (_lock) _here.Remove(name);
    }

    /// <summary>A heartbeat of this replica has just found so many others alive.</summary>
    public void Found(int others)
    {
        lock (_lock) (_others, _othersAt) = (others, time.GetTimestamp());
    }

    public void DatabaseAnswers()
    {
        lock (_lock)
        {
            _awaySince = null;
            _sentAway.Clear();
        }
    }

    /// <summary>The database takes nothing at this moment.</summary>
    public void DatabaseIsAway()
    {
        List<VRouterHello> sent;
        lock (_lock)
        {
            _awaySince ??= time.GetTimestamp();
            if (_others == 0 || time.GetElapsedTime(_awaySince.Value) < DatabaseAwayAfter) return;
            sent = [.. _here.Values.Select(a => a.Hello).Where(h => _sentAway.Add(h.Name))];
        }

        if (sent.Count == 0) return;
        LogNoDatabase(sent.Count, self.Name);
        foreach (var hello in sent) publisher.End(hello, $"control node {self.Name} does not reach its database; another one may");
    }

    /// <summary>Sends some agents on while there are too many here. At most once a second.</summary>
    /// <param name="agents">Those that are connected to any control node that is alive.</param>
    public void Relieve(int agents)
    {
        List<VRouterHello> sent;
        int here, share;
        lock (_lock)
        {
            // While the database is away, nobody knows how many agents the others have.
            if (_awaySince is not null || time.GetElapsedTime(_othersAt) > ControlNodeLiveness.GoneAfter)
            {
                _exceededSince = null;
                return;
            }

            here = _here.Count;
            share = AgentShare.Of(Math.Max(agents, here), _others + 1);
            if (!Judge(here, share)) return;
            sent =
            [
                .. _here.Values.Where(a => a.Hello.OtherServers is { } others && time.GetElapsedTime(a.At) >= others.Stays)
                    .OrderByDescending(a => a.Hello.OtherServers!.Preferred).Take(AgentShare.ExcessOfSecond(here, share)).Select(a => a.Hello),
            ];
            foreach (var hello in sent) _here.Remove(hello.Name);
            _sentOn += sent.Count;
            if (sent.Count == 0 && !_saidStuck)
            {
                _saidStuck = true;
                LogStuck(here, share);
            }
        }

        foreach (var hello in sent) publisher.SendOn(hello, $"control node {self.Name} has {here} agents, and its share is {share}: another one takes this agent");
    }

    /// <summary>True: some agents are to be sent on.</summary>
    private bool Judge(int here, int share)
    {
        if (_isRelieving)
        {
            // When more come than were sent on, a control node may be gone.
            var isGrowing = here > _hereBefore;
            _hereBefore = here;
            if (here > share && !isGrowing) return true;
            _isRelieving = false;
            LogRelieved(_sentOn, here, share);
            return false;
        }

        if (!AgentShare.IsClearlyExceeded(here, share))
        {
            _exceededSince = null;
            return false;
        }

        _exceededSince ??= time.GetTimestamp();
        if (time.GetElapsedTime(_exceededSince.Value) < Patience) return false;
        (_isRelieving, _hereBefore, _exceededSince, _saidStuck, _sentOn) = (true, here, null, false, 0);
        LogExceeded(here, share);
        return true;
    }

    [LoggerMessage(EventId = 207, Level = LogLevel.Warning, Message = "{Count} agents are sent to another control node, because {ControlNode} does not reach the database")]
    private partial void LogNoDatabase(int count, string controlNode);

    [LoggerMessage(EventId = 249, Level = LogLevel.Information, Message = "This control node has {Here} agents, and its share is {Share}: it sends agents to the others, a few a second")]
    private partial void LogExceeded(int here, int share);

    [LoggerMessage(EventId = 250, Level = LogLevel.Information, Message = "{Count} agents were sent to the other control nodes: {Here} are left here, and the share of this one is {Share}")]
    private partial void LogRelieved(int count, int here, int share);

    [LoggerMessage(EventId = 251, Level = LogLevel.Warning, Message = "This control node has {Here} agents, its share is {Share}, and none of them can be sent on: each was sent on not long ago, or knows no other server. Give agents the --server of every control node")]
    private partial void LogStuck(int here, int share);
}
