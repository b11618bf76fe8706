using CN2.Api.Drivers;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Nodes;

/// <summary>One agent's stream to one server: in order, with delays, and each side notices its end by itself.</summary>
internal sealed class AgentStream(Node node, Publisher server, VRouterHello hello, Scheduler scheduler, Random random)
{
    /// <summary>A side that hears nothing for this long ends the stream.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    /// <summary>Two heartbeats.</summary>
    private static readonly TimeSpan Alive = TimeSpan.FromSeconds(4);

    private readonly Pipe _toNode = new(scheduler, random);
    private readonly Pipe _toServer = new(scheduler, random);
    private bool _isCut;
    private long _heardAt = scheduler.Now;

    public Node Node { get; } = node;

    public Publisher Server { get; } = server;

    public VRouterHello Hello { get; } = hello;

    public bool IsOpen { get; private set; } = true;

    public bool HasWhole { get; set; }

    /// <summary>The server has sent the agent on: it ends the stream with that status.</summary>
    public bool IsSentOn { get; set; }

    /// <summary>When it began.</summary>
    public long BeganAt { get; } = scheduler.Now;

    /// <summary>The server has heard of the agent a moment ago.</summary>
    public bool IsAlive => scheduler.Now - _heardAt < Alive.Ticks;

    /// <summary>Packets are dropped. What is sent meanwhile arrives when the cut ends within the patience, else never.</summary>
    public bool IsCut
    {
        get => _isCut;
        set
        {
            if (_isCut == value) return;
            _isCut = value;
            _toNode.IsBlocked = _toServer.IsBlocked = value;
            if (!value) return;
            scheduler.After(Patience, () =>
            {
                if (IsOpen && _isCut) Break();
            });
        }
    }

    /// <summary>The agent may connect.</summary>
    public void Accept(Action<AgentStream?> answer) => _toNode.Send(() => answer(this));

    /// <summary>To the agent.</summary>
    public void Send(ulong revision, VRouterConfig? config, VRouterDelta? delta) => _toNode.Send(() => Node.Receive(this, revision, config, delta));

    /// <summary>To the server's listener.</summary>
    public void Tell(Action<IVRouterListener> tell) => _toServer.Send(() =>
    {
        _heardAt = scheduler.Now;
        Server.Tell(this, tell);
    });

    /// <summary>Both sides see the end, the agent first.</summary>
    public void Break()
    {
        if (!IsOpen) return;
        IsOpen = false;
        _toNode.Close();
        _toServer.Close();
        scheduler.After(TimeSpan.Zero, () => Node.Lost(this));
        scheduler.After(TimeSpan.FromMilliseconds(random.Next(50)), () => Server.Closed(this));
    }
}
