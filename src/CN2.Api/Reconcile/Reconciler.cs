using System.Runtime.ExceptionServices;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Overlay;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// Keeps speaker and vRouters equal to the resources. All state is in memory and belongs to one task; the feed, the agents and the
/// speaker only wake it. Each round: what agents and speaker said, what the feed says, compile what that touched, put it in order,
/// send the difference.
/// </summary>
public sealed partial class Reconciler : BackgroundService
{
    /// <summary>Without a wake it looks by itself: the feed is the truth, signals are hints.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private const int FeedPage = 5000;

    /// <summary>How often it is checked that the feed still begins before our place; retention keeps an hour at least.</summary>
    private static readonly TimeSpan HorizonInterval = TimeSpan.FromMinutes(1);

    /// <summary>How often the rows of agents at other replicas are read while something waits for them: their progress alone is no change.</summary>
    private static readonly TimeSpan RemoteInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// In a stream of changes the feed is read this often, so that what each reading costs (a handful of queries) is shared by many
    /// writes instead of being added to every one. After a pause <see cref="FeedBurst"/> readings more are made at once: a change, and
    /// the statuses that follow from it, wait for nothing.
    /// </summary>
    private static readonly TimeSpan FeedPace = TimeSpan.FromMilliseconds(30);

    private const int FeedBurst = 2;

    /// <summary>Agents wait this long for a speaker that does not answer before they get their configuration without it.</summary>
    private static readonly TimeSpan SpeakerPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A status is drafted so long after something touched its owner: what a vRouter and the speaker say meanwhile is in it, instead of
    /// being a write, a change row and an event each.
    /// </summary>
    private static readonly TimeSpan StatusSettle = TimeSpan.FromMilliseconds(50);

    private readonly StateReader _reader;
    private readonly ChangeFeedReader _feed;
    private readonly ControlNodeStore _controlNodes;
    private readonly AgentReportStore _virtualRouters;
    private readonly IBgpSpeaker _speaker;
    private readonly TimeProvider _time;
    private readonly ILogger<Reconciler> _logger;
    private readonly VRouterOptions _options;
    private readonly string _self;
    private readonly ChangeWaiter _wake;
    private readonly AgentInbox _agents;
    private readonly AgentRecorder _recorder;
    private readonly SpeakerWorker _speakerWorker;
    private readonly SessionWatch _sessions;
    private readonly Leadership _leadership;
    private readonly LeaderDuties _duties;
    private readonly StatusRecorder _statuses;
    private readonly ReconcileCounters _counters;

    private readonly NetworkState _state = new();
    private readonly VirtualRouterLedger _ledger;
    private readonly RouteSequencer _sequencer;
    private readonly VRouterDispatcher _dispatcher;
    private readonly OtherControlNodes _others;
    private readonly Retirements _retirements;
    private readonly RoutingInstances _instances;

    /// <summary>FloatingIPs of which it is to be looked whether they hold their address in the underlay.</summary>
    private readonly HashSet<Guid> _holdsDue = [];
    private readonly HashSet<Guid> _statusDue = [];
    private readonly HashSet<Guid> _releasing = [];

    private FeedPosition _position;
    private DateTimeOffset _startedAt;
    private bool _speakerStarted;
    private bool _agentsServed;
    private DateTimeOffset? _serveAgentsFrom;
    private bool _foundUnwanted;
    private bool _midPage;
    private bool _databaseAway;
    private long _progressTold;
    private DateTimeOffset _horizonSeen;
    private DateTimeOffset _remoteSeen;
    private bool _peersHeldBack;
    private List<BgpPeer> _peers = [];
    private DateTimeOffset? _nextTick;
    private DateTimeOffset _nextLook;
    private DateTimeOffset? _statusDueSince;
    private Dictionary<string, string>? _sessionsOfOthers;

    public Reconciler(
        StateReader reader, ChangeFeedReader feed, ControlNodeStore controlNodes, AgentReportStore virtualRouters, AnnouncementStore advertisements,
        IBgpSpeaker speaker, IVRouterPublisher publisher, ChangeSignal signal, DedicatedConnection dedicated, LeaderDuties duties,
        StatusRecorder statuses, ReconcileCounters counters, OverlayMetrics metrics, RoutingInstances instances, VRouterOptions options, ControlNodeOptions self, TimeProvider time, ILoggerFactory loggers)
    {
        _reader = reader;
        _feed = feed;
        _controlNodes = controlNodes;
        _virtualRouters = virtualRouters;
        _speaker = speaker;
        _time = new SteadyTime(time);
        _options = options;
        _self = self.Name;
        _duties = duties;
        _statuses = statuses;
        _counters = counters;
        _logger = loggers.CreateLogger<Reconciler>();
        _wake = signal.Subscribe();
        _agents = new AgentInbox(_wake.Set, metrics);
        _recorder = new AgentRecorder(virtualRouters, _self, time, loggers.CreateLogger<AgentRecorder>());
        _others = new OtherControlNodes();
        _speakerWorker = new SpeakerWorker(speaker, advertisements, _self, () => _others.Any, _wake.Set, loggers.CreateLogger<SpeakerWorker>());
        _sessions = new SessionWatch(speaker, _time);
        _leadership = new Leadership(dedicated, _time, _wake.Set, loggers.CreateLogger<Leadership>());
        _ledger = new VirtualRouterLedger(_others.MayAnnounce);
        _sequencer = new RouteSequencer(_ledger);
        _instances = instances;
        _dispatcher = new VRouterDispatcher(publisher, _ledger, _sequencer, instances);
        _retirements = new Retirements(_state, _sequencer);
        publisher.Listen(_agents);
        speaker.Changed += _wake.Set;
        duties.Done += _wake.Set;
        statuses.Done += _wake.Set;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _startedAt = _time.GetUtcNow();
        try
        {
            await UntilItWorksAsync(LoadAsync, stoppingToken);
            await Task.WhenAll(
                _recorder.RunAsync(stoppingToken),
                _speakerWorker.RunAsync(stoppingToken),
                _leadership.RunAsync(stoppingToken),
                _statuses.RunAsync(stoppingToken),
                BeatAsync(stoppingToken),
                RunAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops. Routes and entries stay where they are.
        }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var more = await RoundAsync(ct);
                _databaseAway = false;
                if (!more) await _wake.WaitAsync(Until(_nextTick), ct);
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogFailure(e);
                await Task.Delay(TimeSpan.FromMilliseconds(500), _time, ct);
            }
        }
    }

    /// <summary>One round. True: the feed has more.</summary>
    private async Task<bool> RoundAsync(CancellationToken ct)
    {
        var more = false;
        ExceptionDispatchInfo? failure = null;
        var now = _time.GetUtcNow();
        var look = now >= _nextLook;
        if (look)
        {
            var rested = now - (FeedBurst * FeedPace);
            _nextLook = (_nextLook > rested ? _nextLook : rested) + FeedPace;
            try
            {
                more = await TakeFeedAsync(ct);
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                // Without the database agents and speaker are served all the same; what was read of a page waits for the rest of it.
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }

        HearAgents();
        HearSpeaker();
        now = _time.GetUtcNow();
        if (!_midPage)
        {
            Compile(now);
            SettleHolds();
        }

        _nextTick = _sequencer.Tick(now);
        if (!look && !(_nextTick < _nextLook)) _nextTick = _nextLook;
        Send(now);
        ReleaseQuiet();
        TellProgress();
        if (AwaitedElsewhere().Length > 0 && !(_nextTick < now + RemoteInterval)) _nextTick = now + RemoteInterval;
        Lead(now);
        failure?.Throw();
        return more;
    }

    private static void Replace<T>(Guid[] uids, IReadOnlyCollection<T> found, Func<T, Guid> uid, Action<T> put, Action<Guid> remove)
    {
        foreach (var item in found) put(item);
        foreach (var missing in uids.Except(found.Select(uid))) remove(missing);
    }

    private void Compile(DateTimeOffset now)
    {
        var owners = new List<(Guid Owner, CompiledOwner? Compiled)>();
        foreach (var owner in _state.TakeDirtyOwners())
        {
            try
            {
                owners.Add((owner, _state.Compile(owner)));
            }
            catch (Exception e)
            {
                LogNotCompiled(_logger, e, owner); // it keeps what it has; the others must not wait for it
            }
        }

        _counters.OwnersCompiled(owners.Count);
        // Who gives a FloatingIP away goes before who takes it over, so that no key is ever asked for by two owners.
        foreach (var (owner, compiled) in owners.OrderByDescending(o => GivesAway(o.Owner, o.Compiled))) _sequencer.Set(owner, compiled, now);

        foreach (var endpoint in _state.TakeDirtyInterfaces())
        {
            var probe = _state.ProbeOf(endpoint);
            _dispatcher.SetProbe(endpoint, probe is null ? null : (probe.VirtualRouter, new VRouterProbe(endpoint, probe.Address, probe.Check, probe.LastKnown)));
        }
    }

    /// <summary>
    /// In the underlay an address is held from the moment somebody has it; a network that went over to the overlay holds it until the last
    /// route and entry there are gone.
    /// </summary>
    private void SettleHolds()
    {
        foreach (var uid in _holdsDue)
        {
            var floatingIP = _state.TryGetFloatingIP(uid);
            var overlay = floatingIP?.ExternalNetwork is { } network && _state.ExternalNetwork(network) is { FabricForwarding: false };
            if (floatingIP is not null && !overlay) _dispatcher.Hold(uid, floatingIP.Address);
            else if (floatingIP is not null && _sequencer.IsIn(uid, 0)) continue;
            else _dispatcher.Free(uid);
            _holdsDue.Remove(uid);
        }
    }

    private bool GivesAway(Guid owner, CompiledOwner? compiled) =>
        _sequencer.Compiled.TryGetValue(owner, out var before)
        && before.NatEntries.Any(f => f.FloatingIP is { } held && compiled?.NatEntries.Any(n => n.FloatingIP == held) != true);

    private void Send(DateTimeOffset now)
    {
        if (_speakerStarted)
        {
            var routes = _sequencer.TakeRoutes();
            if (!routes.IsEmpty) _speakerWorker.Post(new RouteJob(routes.Announce, routes.Withdraw));
        }

        // At start the speaker first loses what nobody wants, then the entries behind it may go.
        if (!_agentsServed && _serveAgentsFrom > now) _nextTick = _nextTick < _serveAgentsFrom ? _nextTick : _serveAgentsFrom;
        else if (_agentsServed || _serveAgentsFrom is not null || now - _startedAt > SpeakerPatience)
        {
            _agentsServed = true;
            _dispatcher.Flush();
        }

        if (_peersHeldBack && now - _startedAt > _options.LostAfter) _peersHeldBack = false;
        else if (_peersHeldBack && _speakerStarted && _ledger.Accounts.All(a => a.Lost || a.AppliedRevision > 0 || (a.ConnectedElsewhere && !_sequencer.Awaits(a.Name)))) _peersHeldBack = false;
        else return;
        PostPeers();
    }

    /// <summary>
    /// Peers come after the paths. With an empty engine and routers that may still hold our routes, they also wait for the agents:
    /// an End-of-RIB before that would be a withdrawal (RFC 4724).
    /// </summary>
    private void PostPeers()
    {
        if (_speakerStarted && !_peersHeldBack) _speakerWorker.Post(new RouteJob([], [], Peers: _peers));
    }

    /// <summary>What is to be learned from peers; before the speaker has started the first whole set brings it.</summary>
    private void PostImport()
    {
        if (_speakerStarted) _speakerWorker.Post(new RouteJob([], [], Import: _instances.ImportTargets));
    }

    /// <summary>Withdrawn FloatingIPs whose entries the vRouters here have dropped: the other replicas may know.</summary>
    private void ReleaseQuiet()
    {
        if (_releasing.Count == 0) return;
        var quiet = new List<Guid>();
        foreach (var floatingIP in _releasing)
        {
            if (_sequencer.MayBeInSpeaker(floatingIP))
            {
                _releasing.Remove(floatingIP); // announced again
            }
            else if (_sequencer.IsQuiet(floatingIP) && !_ledger.Accounts.Any(a => a is { ConnectedHere: true, Lost: false } && a.Awaits(OwnerOf(floatingIP))))
            {
                _releasing.Remove(floatingIP);
                quiet.Add(floatingIP);
            }
        }

        if (quiet.Count > 0) _speakerWorker.Post(new RouteJob([], [], Release: quiet));
    }

    private Guid OwnerOf(Guid floatingIP) => _state.TryGetFloatingIP(floatingIP)?.Service ?? floatingIP;

    private void Lead(DateTimeOffset now)
    {
        var touched = _sequencer.TakeTouchedOwners();
        _statusDue.UnionWith(touched);
        foreach (var floatingIP in _retirements.Due(touched))
        {
            Put(floatingIP with { Deleting = true });
            _wake.Set(); // it is compiled in the next round
        }

        if (_leadership.Since is not { } since)
        {
            _statusDue.Clear(); // whoever begins to lead looks at all of them
            _statusDueSince = null;
            return;
        }

        if (_duties.NeedsStatuses(since))
        {
            _statuses.ForgetAll();
            _statusDue.UnionWith(_sequencer.Compiled.Keys.Concat(_state.FloatingIPs.Where(f => f.Service is null).Select(f => f.Uid)));
        }

        _duties.Finish(s => IsFinished(s, _state.FloatingIPsOf(s)), f => IsFinished(f.Service ?? f.Uid, [f]));
        _duties.Serve(now);
        if (now - since > _options.LostAfter) _duties.MarkLost(now, _options.LostAfter);
        if (_statusDue.Count == 0) return;
        _statusDueSince ??= now;
        if (now < _statusDueSince + StatusSettle) _nextTick = _nextTick < _statusDueSince + StatusSettle ? _nextTick : _statusDueSince + StatusSettle;
        if (now < _statusDueSince + StatusSettle || !_statuses.HasRoom) return;
        var facts = new StatusFacts(_state, _sequencer, _ledger, _others, _speaker, _self);
        var batch = _statusDue.Take(StatusRecorder.BatchSize).ToList();
        _statusDue.ExceptWith(batch);
        if (_statusDue.Count == 0) _statusDueSince = null;
        _statuses.Post(batch.SelectMany(facts.Of));
        if (_statusDue.Count > 0 && _statuses.HasRoom) _wake.Set(); // nothing of the batch was news, so nobody else wakes us for the rest
    }

    /// <summary>Nothing of this owner is announced, held or awaited any more.</summary>
    private bool IsFinished(Guid owner, IEnumerable<FloatingIP> floatingIPs) =>
        floatingIPs.All(f => _sequencer.IsQuiet(f.Uid) && !_others.Holds(f.Uid))
        && _ledger.Accounts.All(a => !a.Counts || !a.Awaits(owner));

    /// <summary>Every two seconds, and when sessions change: this replica is alive, and these are its sessions.</summary>
    private async Task BeatAsync(CancellationToken ct)
    {
        var told = new Dictionary<string, BgpSession>();
        var first = true;
        while (true)
        {
            try
            {
                var sessions = _speaker.Sessions.ToDictionary(s => s.Peer);
                var changed = sessions.Where(s => told.GetValueOrDefault(s.Key) != s.Value).Select(s => s.Key).Concat(told.Keys.Except(sessions.Keys)).ToList();
                var restart = _peers.Count == 0 ? 0 : _peers.Max(p => p.GracefulRestart ? p.RestartTime : 0);
                var (others, unknown) = await _controlNodes.BeatAsync(_self, restart, changed.Count > 0 ? SessionDocument.Write(sessions.Values) : null, changed, ct);
                if (_others.Any || others) _sessionsOfOthers = await _controlNodes.SessionsAsync(ct);
                // Alone, nobody was told of rows; and who was taken for gone has lost them.
                var introduce = others && (!_others.Any || unknown);
                _others.Any = others;
                if (introduce || (unknown && !first)) _speakerWorker.Post(new RouteJob([], [], Introduce: introduce, Rewrite: unknown && !first));
                told = sessions;
                first = false;
                if (_leadership.Since is not null) await _controlNodes.ForgetGoneAsync(ct);
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogBeatFailed(_logger, e.Message);
            }

            await _sessions.WaitAsync(TimeSpan.FromSeconds(2), ct);
        }
    }

    private TimeSpan Until(DateTimeOffset? tick)
    {
        if (tick is not { } due) return Poll;
        var left = due - _time.GetUtcNow();
        return left <= TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : left < Poll ? left : Poll;
    }

    /// <summary>That the database is away is told once; all else is a fault of ours, and told whole.</summary>
    private void LogFailure(Exception e)
    {
        if (!PostgresErrors.IsAway(e)) LogRoundFailed(_logger, e);
        else if (!_databaseAway) LogDatabaseAway(_logger, e.GetBaseException().Message);
        _databaseAway = PostgresErrors.IsAway(e);
    }

    private async Task UntilItWorksAsync(Func<CancellationToken, Task> work, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await work(ct);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogFailure(e);
                await Task.Delay(TimeSpan.FromSeconds(1), _time, ct);
            }
        }
    }
}
