using CN2.Api.Drivers;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An <see cref="IVRouterPublisher"/> that records what is published and sends it nowhere.</summary>
internal sealed class RecordingPublisher : IVRouterPublisher
{
    public IVRouterListener? Listener { get; private set; }

    public List<(string Name, ulong Revision, VRouterConfig Config)> Configs { get; } = [];

    public List<(string Name, ulong Revision, VRouterDelta Delta)> Deltas { get; } = [];

    public VRouterPublisherCounters Counters => new(Configs.Count, Deltas.Count, 0);

    public void Listen(IVRouterListener listener) => Listener = listener;

    public void Publish(string name, ulong revision, VRouterConfig config) => Configs.Add((name, revision, config));

    /// <summary>Changes are too large for its agents.</summary>
    public bool WantsWhole { get; set; }

    public List<(VRouterHello Hello, string Reason)> Ended { get; } = [];

    public bool Publish(string name, ulong revision, VRouterDelta delta)
    {
        if (WantsWhole) return false;
        Deltas.Add((name, revision, delta));
        return true;
    }

    /// <summary>Those of the agents that got <see cref="Deltas"/> in turn.</summary>
    public List<string> InTurn { get; } = [];

    public bool PublishInTurn(string name, ulong revision, VRouterDelta delta)
    {
        InTurn.Add(name);
        return Publish(name, revision, delta);
    }

    /// <summary>Nothing was heard of these agents since their nodes vanished.</summary>
    public HashSet<string> Silent { get; } = [];

    public bool EndVanished(VRouterHello hello, string reason)
    {
        if (!Silent.Contains(hello.Name)) return false;
        End(hello, reason);
        return true;
    }

    public List<(VRouterHello Hello, string Reason)> SentOn { get; } = [];

    /// <summary>The streams of these agents have just ended.</summary>
    public HashSet<string> Gone { get; } = [];

    public bool SendOn(VRouterHello hello, string reason)
    {
        if (Gone.Contains(hello.Name)) return false;
        SentOn.Add((hello, reason));
        return true;
    }

    public void End(VRouterHello hello, string reason)
    {
        lock (Ended) Ended.Add((hello, reason));
    }
}
