using System.Diagnostics;
using CN2.Api.Options;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// What the reconciler knows, in memory. THE THREADING RULE: this object and everything reachable from it is touched by the loop's task
/// only; others post to the <see cref="LoopInbox"/>. A class that takes a <see cref="LoopState"/> belongs to the loop; an
/// <see cref="IReconcileTask"/> other than the loop never takes one. Debug builds check it.
/// </summary>
internal sealed class LoopState
{
    private readonly AsyncLocal<bool> _isLoop = new();
    private readonly NetworkState _resources;
    private readonly OtherControlNodes _others = new();
    private readonly VirtualRouterLedger _ledger;
    private readonly RouteSequencer _sequencer;
    private readonly RefusedRoutes _refused = new();
    private readonly StatusQueue _statuses = new();
    private volatile bool _loopRuns;

    public LoopState(LoopClock clock, ControlNodeOptions options, ServiceNetworkOptions serviceNetwork)
    {
        _resources = new NetworkState(serviceNetwork.Distribution);
        Clock = clock;
        Self = options.Name;
        _ledger = new VirtualRouterLedger((floatingIP, virtualRouter) => IsFeedAway || _others.MayAnnounce(floatingIP, _resources.VirtualRouter(virtualRouter)));
        _sequencer = new RouteSequencer(_ledger) { BeginsWithWholes = true };
    }

    /// <summary>May be read from any thread.</summary>
    public LoopClock Clock { get; }

    /// <summary>This control node's name. May be read from any thread.</summary>
    public string Self { get; }

    /// <summary>The resources as the change feed describes them.</summary>
    public NetworkState Resources => Checked(_resources);

    /// <summary>What the other replicas announce, and to which peers.</summary>
    public OtherControlNodes Others => Checked(_others);

    /// <summary>When the last reading of the change feed that brought everything began: what others have written since may not be known here.</summary>
    public DateTimeOffset FeedReadAt { get; set; }

    /// <summary>A reading that begins at this time or later is waited for; null: none is.</summary>
    public DateTimeOffset? AwaitedReadingAt { get; set; }

    /// <summary>The change feed could not be read when it was last tried: another replica may announce what is not known here yet, so held entries stay.</summary>
    public bool IsFeedAway { get; set; }

    /// <summary>What was sent to each vRouter, and what it has acknowledged.</summary>
    public VirtualRouterLedger Ledger => Checked(_ledger);

    /// <summary>Which entries and routes are up, and which wait for what.</summary>
    public RouteSequencer Sequencer => Checked(_sequencer);

    /// <summary>Routes that the speaker refuses.</summary>
    public RefusedRoutes Refused => Checked(_refused);

    /// <summary>Owners whose status must be drafted again.</summary>
    public StatusQueue Statuses => Checked(_statuses);

    /// <summary>The owner of a FloatingIP's entries and routes: its Service, or the FloatingIP itself.</summary>
    public Guid OwnerOf(Guid floatingIP) => Resources.TryGetFloatingIP(floatingIP)?.Service ?? floatingIP;

    /// <summary>Routes reach other peers than before, so every status with routes may read differently.</summary>
    public void ReachedPeersChanged()
    {
        Statuses.Add(Sequencer.Compiled.Where(c => c.Value.Routes.Count > 0).Select(c => c.Key));
        // What is being deleted has no routes any more, and says which control node it waits for.
        TouchAnnouncedElsewhere();
    }

    /// <summary>The statuses of what other replicas announce may read differently.</summary>
    public void TouchAnnouncedElsewhere() => Statuses.Add(Others.Held.Where(f => Resources.TryGetFloatingIP(f) is not null).Select(OwnerOf));

    /// <summary>The VirtualRouter does not exist any more: no owner waits for it.</summary>
    public void ForgetVirtualRouter(string name)
    {
        Ledger.Find(name)?.GiveUp();
        Ledger.Close(name);
    }

    /// <summary>The calling task is the loop from now on.</summary>
    public void EnterLoop()
    {
        _isLoop.Value = true;
        _loopRuns = true;
    }

    private T Checked<T>(T part)
    {
        Debug.Assert(!_loopRuns || _isLoop.Value, "The reconciler's state is touched by another thread than the loop's.");
        return part;
    }
}
