using CN2.Api.Data;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>
/// When this control node sends agents on because it has more than its share (<see cref="AgentShare"/>), and how many. It begins once there were clearly too many for
/// <see cref="Patience"/>. It ends when the share is reached. It ends early when one of these happens:
/// <para>More agents come than go, or fewer control nodes take agents: one of them may be gone. It may begin again after <see cref="Patience"/>.</para>
/// <para>At least half of those that were sent on came back: their other servers have no room, or one is gone and still counts as alive. The pause is then twice as long each time.
/// When fewer came back, these stay here, and it goes on with the others.</para>
/// <para>No agent may be sent on now (<see cref="Stuck"/>).</para>
/// One lock of its owner guards it.
/// </summary>
internal sealed partial class AgentRelief(AgentShare shares, TimeProvider time, ILogger logger)
{
    /// <summary>After a control node is gone, the others have its agents at once, and count it as alive for some seconds more: nobody is sent to it.</summary>
    public static readonly TimeSpan Patience = ControlNodeLiveness.GoneAfter + (2 * ControlNodeStore.BeatInterval);

    /// <summary>So long it waits at most when agents come back each time: they do not know the control nodes that have room.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    /// <summary>Since when there are clearly too many agents here; null: there are not, or some are being sent on.</summary>
    private long? _exceededSince;

    /// <summary>For how long there are to be too many agents before it begins.</summary>
    private TimeSpan _pause = Patience;
    private bool _isRelieving;

    /// <summary>How many agents were here a second ago, while some are being sent on.</summary>
    private int _hereBefore;

    /// <summary>How many agents there are in all. While some are sent on, the most that were seen: those on their way are connected to nobody.</summary>
    private int _inAll;

    /// <summary>The agents that were sent on since it began, with the hellos of their streams of then.</summary>
    private readonly Dictionary<string, VRouterHello> _sentOn = [];

    /// <summary>Those of them that came back.</summary>
    private readonly HashSet<string> _cameBack = [];

    /// <summary>How many control nodes took agents when it began, or the most since then.</summary>
    private int _controlNodes;

    /// <summary>It ended before this control node had its share: it begins again although there are not clearly too many any more.</summary>
    private bool _isUnfinished;

    /// <summary>How many agents this control node is to have; null: nobody knows at this moment.</summary>
    public int? Share { get; private set; }

    /// <summary>The agent was sent on since the last relief began.</summary>
    public bool HasSentOn(string name) => _sentOn.ContainsKey(name);

    /// <summary>The stream that began with this hello is ended, because the agent was sent on.</summary>
    public bool HasEnded(VRouterHello hello) => ReferenceEquals(_sentOn.GetValueOrDefault(hello.Name), hello);

    /// <summary>How many agents the others have is not known.</summary>
    public void Suspend() => (Share, _exceededSince, _isRelieving, _isUnfinished) = (null, null, false, _isRelieving || _isUnfinished);

    /// <summary>An agent has connected.</summary>
    public void Connected(string name)
    {
        if (_isRelieving && _sentOn.ContainsKey(name)) _cameBack.Add(name);
    }

    public void Sent(VRouterHello hello) => _sentOn[hello.Name] = hello;

    /// <summary>The stream that began with this hello had ended before the agent could be sent on.</summary>
    public void NotSent(VRouterHello hello)
    {
        if (!HasEnded(hello)) return;
        _sentOn.Remove(hello.Name);
        _cameBack.Remove(hello.Name);
    }

    /// <summary>Some agents were to go, and none may. It ends, and begins again when the first may go, but not before <see cref="Patience"/>, and after <see cref="LongestPause"/> at most.</summary>
    /// <param name="firstMayGoIn">In how long the first agent may go, as far as is known now; null: none ever.</param>
    public void Stuck(int here, TimeSpan? firstMayGoIn)
    {
        (_isRelieving, _isUnfinished) = (false, true);
        _pause = firstMayGoIn is not { } wait || wait > LongestPause ? LongestPause : wait > Patience ? wait : Patience;
        LogStuck(here, Share ?? here);
    }

    /// <summary>How many agents are to be sent on now. At most once a second.</summary>
    /// <param name="here">Agents of this control node.</param>
    /// <param name="agents">Those that are connected to any control node that is alive.</param>
    /// <param name="controlNodes">Those that take agents, with this one.</param>
    public int Judge(int here, int agents, int controlNodes)
    {
        _inAll = Math.Max(Math.Max(agents, here), _isRelieving ? _inAll : 0);
        var share = AgentShare.Of(_inAll, controlNodes);
        Share = share;
        if (_isRelieving ? Ends(here, share, controlNodes) : !Begins(here, share, controlNodes)) return 0;
        return AgentShare.ExcessOfSecond(here, share);
    }

    private bool Ends(int here, int share, int controlNodes)
    {
        // When more come than were sent on, a control node may be gone.
        var isGrowing = here > _hereBefore;
        _hereBefore = here;
        var isFewer = controlNodes < _controlNodes;
        var cameBack = _cameBack.Count > 0 && 2 * _cameBack.Count >= _sentOn.Count;
        if (here > share && !isGrowing && !isFewer && !cameBack) return false;
        _isUnfinished = isGrowing || isFewer || cameBack;
        _pause = !cameBack ? Patience : 2 * _pause < LongestPause ? 2 * _pause : LongestPause;
        _isRelieving = false;
        LogRelieved(_sentOn.Count, here, share);
        return true;
    }

    private bool Begins(int here, int share, int controlNodes)
    {
        if (!(_isUnfinished ? shares.IsExceeded(here, share) : shares.IsClearlyExceeded(here, share, controlNodes)))
        {
            _exceededSince = null;
            return false;
        }

        // A control node that has come since then has room: a long pause was for the others.
        if (controlNodes > _controlNodes) (_pause, _exceededSince, _controlNodes) = (Patience, null, controlNodes);
        _exceededSince ??= time.GetTimestamp();
        if (time.GetElapsedTime(_exceededSince.Value) < _pause) return false;
        (_isRelieving, _hereBefore, _exceededSince, _controlNodes) = (true, here, null, controlNodes);
        _sentOn.Clear();
        _cameBack.Clear();
        LogExceeded(here, share);
        return true;
    }

    [LoggerMessage(EventId = 249, Level = LogLevel.Information, Message = "This control node has {Here} agents, and its share is {Share}: it sends agents to the others, a few a second")]
    private partial void LogExceeded(int here, int share);

    [LoggerMessage(EventId = 250, Level = LogLevel.Information, Message = "{Count} agents were sent to the other control nodes: {Here} are here now, and the share of this one is {Share}")]
    private partial void LogRelieved(int count, int here, int share);

    [LoggerMessage(EventId = 251, Level = LogLevel.Warning, Message = "This control node has {Here} agents, its share is {Share}, and none of them can be sent on: each was sent on not long ago, or knows no other server. Give agents the --server of every control node")]
    private partial void LogStuck(int here, int share);
}
