using System.Net;
using System.Runtime.ExceptionServices;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Api.Observability;
using CN2.Api.Options;
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
    /// The first change after a pause is looked at at once; in a stream of them the feed is read this often, so that what each reading
    /// costs (a handful of queries) is shared by many writes instead of being added to every one.
    /// </summary>
    private static readonly TimeSpan FeedPace = TimeSpan.FromMilliseconds(10);

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
    private readonly VirtualRouterStore _virtualRouters;
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
    private long _progressTold;
    private DateTimeOffset _horizonSeen;
    private DateTimeOffset _remoteSeen;
    private bool _peersHeldBack;
    private List<BgpPeer> _peers = [];
    private DateTimeOffset? _nextTick;
    private long _lookedAt;
    private DateTimeOffset? _statusDueSince;
    private Dictionary<string, string>? _sessionsOfOthers;

    public Reconciler(
        StateReader reader, ChangeFeedReader feed, ControlNodeStore controlNodes, VirtualRouterStore virtualRouters, AdvertisementStore advertisements,
        IBgpSpeaker speaker, IVRouterPublisher publisher, ChangeSignal signal, DedicatedConnection dedicated, LeaderDuties duties,
        StatusRecorder statuses, ReconcileCounters counters, OverlayMetrics metrics, RoutingInstances instances, Settings settings, TimeProvider time, ILoggerFactory loggers)
    {
        _reader = reader;
        _feed = feed;
        _controlNodes = controlNodes;
        _virtualRouters = virtualRouters;
        _speaker = speaker;
        _time = new SteadyTime(time);
        _options = settings.VRouters;
        _self = settings.ControlNode.Name;
        _duties = duties;
        _statuses = statuses;
        _counters = counters;
        _logger = loggers.CreateLogger<Reconciler>();
        _wake = signal.Subscribe();
        _agents = new AgentInbox(_wake.Set, metrics);
        _recorder = new AgentRecorder(virtualRouters, _self, time, loggers.CreateLogger<AgentRecorder>());
        _others = new OtherControlNodes();
        _speakerWorker = new SpeakerWorker(speaker, advertisements, _self, () => _others.Any, _wake.Set, loggers.CreateLogger<SpeakerWorker>());
        _sessions = new SessionWatch(speaker);
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
                if (!more) await _wake.WaitAsync(Until(_nextTick), ct);
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogRoundFailed(_logger, e);
                await Task.Delay(TimeSpan.FromMilliseconds(500), _time, ct);
            }
        }
    }

    /// <summary>One round. True: the feed has more.</summary>
    private async Task<bool> RoundAsync(CancellationToken ct)
    {
        var more = false;
        ExceptionDispatchInfo? failure = null;
        var later = FeedPace - _time.GetElapsedTime(_lookedAt);
        if (later <= TimeSpan.Zero)
        {
            _lookedAt = _time.GetTimestamp();
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
        var now = _time.GetUtcNow();
        if (!_midPage)
        {
            Compile(now);
            SettleHolds();
        }

        _nextTick = _sequencer.Tick(now);
        if (later > TimeSpan.Zero && (_nextTick is null || now + later < _nextTick)) _nextTick = now + later;
        Send(now);
        ReleaseQuiet();
        TellProgress();
        if (AwaitedElsewhere().Length > 0 && !(_nextTick < now + RemoteInterval)) _nextTick = now + RemoteInterval;
        Lead(now);
        failure?.Throw();
        return more;
    }

    private async Task<bool> TakeFeedAsync(CancellationToken ct)
    {
        var now = _time.GetUtcNow();
        if (now - _horizonSeen > HorizonInterval)
        {
            if ((await _feed.HorizonAsync(ct)).CompareTo(_position) > 0)
            {
                LogBehind(_logger, _position);
                await TakeAllAsync(ct); // all or nothing: it reads before it takes
            }

            _horizonSeen = now;
        }

        var changes = await _feed.ReadAsync(_position, FeedPage, ct);
        var more = changes.Count == FeedPage;
        if (changes.Count > 0)
        {
            _midPage = true;
            await TakeChangesAsync(changes, more, ct);
        }

        _midPage = false;
        if (now - _remoteSeen >= RemoteInterval && AwaitedElsewhere() is { Length: > 0 } awaited)
        {
            foreach (var router in await _reader.VirtualRoutersAsync(awaited, ct)) Put(router);
            _remoteSeen = now;
        }

        return more;
    }

    /// <summary>vRouters whose agents dialled another replica and for which something waits here.</summary>
    private Guid[] AwaitedElsewhere() =>
        [.. _ledger.Accounts.Where(a => a is { ConnectedElsewhere: true, ConnectedHere: false } && (a.IsBehind || _sequencer.Awaits(a.Name)))
            .Select(a => _state.VirtualRouter(a.Name)?.Uid).OfType<Guid>()];

    /// <summary>Everything from the database, and what earlier lives of this replica left behind.</summary>
    private async Task LoadAsync(CancellationToken ct)
    {
        await _virtualRouters.DisconnectAsync(_self, null, ct);
        _peersHeldBack = await _speakerWorker.LoadAsync(ct);
        await TakeAllAsync(ct);
        _horizonSeen = _time.GetUtcNow();
        Compile(_horizonSeen);
        LogLoaded(_logger, _state.ServiceCount, _state.FloatingIPs.Count, (long)_position.Xid);
    }

    /// <summary>The database as it is, whatever was known before.</summary>
    private async Task TakeAllAsync(CancellationToken ct)
    {
        var all = await _reader.ReadAllAsync(ct);
        var announced = await _controlNodes.AnnouncedByOthersAsync(_self, null, ct);
        var newest = await _reader.NewestChangeAsync(ct);
        _position = all.Position;
        _ledger.Position = (long)_position.Xid;
        _ledger.MarkPosition = (long)newest;
        Replace([.. _state.ExternalNetworks.Select(n => n.Uid)], all.ExternalNetworks, n => n.Uid, Put, RemoveExternalNetwork);
        Replace([.. _state.VirtualRouters.Select(r => r.Uid)], all.VirtualRouters, r => r.Router.Uid, Put, RemoveVirtualRouter);
        Replace([.. _state.ServiceHealthChecks.Select(h => h.Uid)], all.ServiceHealthChecks, h => h.Uid, _state.Put, _state.RemoveServiceHealthCheck);
        Replace([.. _state.VirtualMachineInterfaces.Select(v => v.Uid)], all.VirtualMachineInterfaces, v => v.Uid, _state.Put, _state.RemoveVirtualMachineInterface);
        Replace([.. _state.Services.Select(s => s.Uid)], all.Services, s => s.Uid, Put, RemoveService);
        Replace([.. _state.FloatingIPs.Select(f => f.Uid)], all.FloatingIPs, f => f.Uid, Put, RemoveFloatingIP);
        _peers = all.BgpPeers;
        PostPeers();
        TakeAnnounced(announced);
        _duties.SomethingMayFit();
    }

    private void TakeAnnounced(IEnumerable<(Guid FloatingIP, string ControlNode, RoutePath[] Paths)> announced)
    {
        _others.Clear();
        foreach (var (floatingIP, node, paths) in announced) _others.Set(floatingIP, node, paths);
        RoutesReachOthers();
    }

    /// <param name="more">The page is full: its last transaction may go on in the next.</param>
    private async Task TakeChangesAsync(List<ChangeRow> changes, bool more, CancellationToken ct)
    {
        foreach (var kind in changes.Where(Concerns).GroupBy(c => c.Kind))
        {
            var uids = kind.Select(c => c.Uid).Distinct().ToArray();
            switch (kind.Key)
            {
                case ResourceKind.ExternalNetwork:
                    Replace(uids, await _reader.ExternalNetworksAsync(uids, ct), n => n.Uid, Put, RemoveExternalNetwork);
                    break;
                case ResourceKind.Service:
                    Replace(uids, await _reader.ServicesAsync(uids, ct), s => s.Uid, Put, RemoveService);
                    break;
                case ResourceKind.FloatingIP:
                    Replace(uids, await _reader.FloatingIPsAsync(uids, ct), f => f.Uid, Put, RemoveFloatingIP);
                    break;
                case ResourceKind.VirtualMachineInterface:
                    Replace(uids, await _reader.VirtualMachineInterfacesAsync(uids, ct), v => v.Uid, _state.Put, _state.RemoveVirtualMachineInterface);
                    break;
                case ResourceKind.VirtualRouter:
                    Replace(uids, await _reader.VirtualRoutersAsync(uids, ct), r => r.Router.Uid, Put, RemoveVirtualRouter);
                    break;
                case ResourceKind.ServiceHealthCheck:
                    Replace(uids, await _reader.ServiceHealthChecksAsync(uids, ct), h => h.Uid, _state.Put, _state.RemoveServiceHealthCheck);
                    break;
                case ResourceKind.BgpRouter:
                    _peers = await _reader.BgpPeersAsync(ct);
                    PostPeers();
                    break;
                case ResourceKind.ControlNode:
                    await HearControlNodesAsync([.. kind.Where(c => c.Name != _self)], ct);
                    break;
                default:
                    break;
            }
        }

        var newest = _others.Any ? await _reader.NewestChangeAsync(ct) : 0;
        if (changes.Exists(c => !c.StatusOnly && FreesOrGives(c))) _duties.SomethingMayFit();
        _position = new FeedPosition(changes[^1].Xid, changes[^1].Id);
        _ledger.Position = (long)_position.Xid - (more ? 1 : 0);
        _ledger.MarkPosition = Math.Max((long)_position.Xid, (long)newest);
    }

    /// <summary>Status alone concerns watchers; what replicas and agents report is read all the same.</summary>
    private static bool Concerns(ChangeRow change) =>
        !change.StatusOnly || change.Kind is ResourceKind.ControlNode or ResourceKind.VirtualRouter;

    /// <summary>A pending Service may be served after it.</summary>
    private static bool FreesOrGives(ChangeRow change) =>
        change.Kind is ResourceKind.Namespace or ResourceKind.ExternalNetwork or ResourceKind.ExternalNetworkSelector
        || (change.Kind is ResourceKind.FloatingIP or ResourceKind.Service && change.Verb == ChangeVerb.Deleted);

    private static void Replace<T>(Guid[] uids, IReadOnlyCollection<T> found, Func<T, Guid> uid, Action<T> put, Action<Guid> remove)
    {
        foreach (var item in found) put(item);
        foreach (var missing in uids.Except(found.Select(uid))) remove(missing);
    }

    private void Put(ExternalNetwork network)
    {
        if (_state.ExternalNetwork(network.Uid)?.FabricForwarding != network.FabricForwarding)
            _holdsDue.UnionWith(_state.FloatingIPsOfNetwork(network.Uid).Select(f => f.Uid));
        _state.Put(network);
        if (_instances.Put(network)) PostImport();
        _duties.NetworkChanged(network.Uid);
    }

    private void RemoveExternalNetwork(Guid uid)
    {
        _state.RemoveExternalNetwork(uid);
        if (_instances.Remove(uid)) PostImport();
    }

    private void Put(Service service)
    {
        _state.Put(service);
        _duties.Note(service);
        foreach (var floatingIP in _retirements.Reconsider(service.Uid)) _state.Put(floatingIP);
        _statusDue.Add(service.Uid);
    }

    private void RemoveService(Guid uid)
    {
        _state.RemoveService(uid);
        _duties.ForgetService(uid);
        _statuses.Forget(uid);
    }

    private void Put(FloatingIP floatingIP)
    {
        if (_state.TryGetFloatingIP(floatingIP.Uid) is null) _holdsDue.Add(floatingIP.Uid);
        _state.Put(_retirements.Filter(floatingIP));
        _duties.Note(floatingIP);
        _statusDue.Add(floatingIP.Service ?? floatingIP.Uid);
    }

    private void RemoveFloatingIP(Guid uid)
    {
        _dispatcher.Free(uid);
        _state.RemoveFloatingIP(uid);
        _retirements.Forget(uid);
        _duties.ForgetFloatingIP(uid);
        _statuses.Forget(uid);
        _others.Clear(uid);
        _releasing.Remove(uid);
    }

    private void Put(VirtualRouterState router)
    {
        var account = _ledger.Open(router.Router.Name);
        if (router.Router.Lost && !account.Lost && !account.ConnectedHere) _statusDue.UnionWith(account.GiveUp());
        if (router.Router.Lost != account.Lost) _statusDue.UnionWith(account.Awaited);
        account.Lost = router.Router.Lost;
        account.ConnectedElsewhere = router.Connected && router.ControlNode != _self;
        _state.Put(router.Router);
        _statusDue.UnionWith(account.AppliedElsewhere(router.AppliedPosition));
        if (account.ConnectedElsewhere) _sequencer.Acknowledged(account.Name, _time.GetUtcNow());
        // It was marked lost while it came back: it has answered already.
        if (account is { Lost: true, ConnectedHere: true, Answered: true }) SaveProgress(account, atOnce: true);
    }

    private void RemoveVirtualRouter(Guid uid)
    {
        if (_state.TryGetVirtualRouter(uid) is not { } router) return;
        _state.RemoveVirtualRouter(uid);
        if (_ledger.Find(router.Name) is { ConnectedHere: false }) CloseAccount(router.Name);
    }

    /// <summary>There is no such vRouter any more: nobody waits for it.</summary>
    private void CloseAccount(string name)
    {
        if (_ledger.Find(name) is { } account) _statusDue.UnionWith(account.GiveUp());
        _ledger.Close(name);
    }

    private void HearAgents()
    {
        while (_agents.TryTake(out var note))
        {
            var account = _ledger.Open(note.Name);
            account.LastSeenAt = _time.GetUtcNow();
            switch (note)
            {
                case AgentNote.Connected connected:
                    account.AgentVersion = connected.Hello.AgentVersion;
                    SetError(account, null);
                    _recorder.Connected(connected.Hello);
                    _dispatcher.Connected(note.Name);
                    LogConnected(_logger, note.Name, connected.Hello.Address);
                    break;
                case AgentNote.Disconnected:
                    _recorder.Disconnected(note.Name);
                    _dispatcher.Disconnected(note.Name);
                    // It was deleted while its agent was here.
                    if (_state.VirtualRouter(note.Name) is null) CloseAccount(note.Name);
                    LogDisconnected(_logger, note.Name);
                    break;
                case AgentNote.Applied applied:
                    Acknowledge(account, applied);
                    break;
                case AgentNote.Health health:
                    _recorder.Health(health.Endpoints.Where(e => e.Health != EndpointHealth.Unknown)
                        .Select(e => new EndpointHealthReport(e.Uid, note.Name, e.Health.ToString(), Storable(e.Message))));
                    break;
                case AgentNote.Noticed noticed:
                    account.Message = Storable(noticed.Message);
                    break;
                case AgentNote.Seen seen:
                    account.Repairs = seen.Repairs;
                    break;
            }

            if (account.ConnectedHere) SaveProgress(account, note is AgentNote.Applied);
        }
    }

    private void Acknowledge(VirtualRouterLedger.Account account, AgentNote.Applied applied)
    {
        if (SetError(account, Storable(applied.Error)) && applied.Error is not null) LogRefused(_logger, account.Name, applied.Revision, applied.Error);
        if (applied.Error is not null) return;

        _statusDue.UnionWith(account.Applied(applied.Revision));
        _sequencer.Acknowledged(account.Name, _time.GetUtcNow());
    }

    /// <summary>True when it is news. Those whose entries wait for this vRouter say so, or all that have some there.</summary>
    private bool SetError(VirtualRouterLedger.Account account, string? error)
    {
        if (account.Error == error) return false;
        account.Error = error;
        _statusDue.UnionWith(account.Answered ? account.Awaited : _sequencer.Compiled.Keys);
        return true;
    }

    /// <summary>PostgreSQL takes no NUL in a text; one agent's word must not stop the others'.</summary>
    private static string? Storable(string? text) => text?.Replace("\0", "", StringComparison.Ordinal);

    private void SaveProgress(VirtualRouterLedger.Account account, bool atOnce)
    {
        var silence = account.LastSeenAt is { } seen ? _time.GetUtcNow() - seen : TimeSpan.Zero;
        _recorder.Progress(
            new VirtualRouterProgress(
                account.Name, silence > TimeSpan.Zero ? silence : TimeSpan.Zero, account.LastRevision, account.AppliedRevision,
                account.AppliedPosition(_ledger.ToldUpTo), account.AgentVersion ?? "", account.Error ?? account.Message),
            atOnce && (_others.Any || account.Lost),
            account.Answered);
    }

    /// <summary>The other replicas wait for places in the feed, also for those that change nothing on the vRouters here.</summary>
    private void TellProgress()
    {
        if (!_others.Any || _progressTold == _ledger.ToldUpTo) return;
        _progressTold = _ledger.ToldUpTo;
        foreach (var account in _ledger.Accounts)
        {
            if (account is { ConnectedHere: true, Answered: true }) SaveProgress(account, atOnce: false);
        }
    }

    private void HearSpeaker()
    {
        if (Interlocked.Exchange(ref _sessionsOfOthers, null) is { } documents && _others.SetSessions(documents, _self)) RoutesReachOthers();
        if (_speakerWorker.TakeFound() is { } found) Adopt(found);
        var now = _time.GetUtcNow();
        while (_speakerWorker.TryTake(out var result))
        {
            _sequencer.Announced(result.Announced, now);
            _sequencer.Withdrawn(result.Withdrawn, now);
            foreach (var route in result.Withdrawn)
            {
                if (!_sequencer.MayBeInSpeaker(route.FloatingIP)) _releasing.Add(route.FloatingIP);
            }

            if (result.Whole) _serveAgentsFrom = now + (_foundUnwanted ? RouteSequencer.EntryHold : TimeSpan.Zero);
        }

        if (_sessions.TakeReachChanged()) RoutesReachOthers();
        _instances.Apply(_speaker.TakeImported());
    }

    /// <summary>Routes reach other peers than before: statuses of all that have some may read differently.</summary>
    private void RoutesReachOthers() => _statusDue.UnionWith(_sequencer.Compiled.Where(c => c.Value.Routes.Count > 0).Select(c => c.Key));

    /// <summary>The speaker answered for the first time: what it holds and the resources want stays, everything else goes.</summary>
    private void Adopt(IReadOnlyCollection<BgpPath> found)
    {
        var floatingIPs = _state.FloatingIPs.Where(f => f.Kind == FloatingIPKind.External).ToLookup(f => f.Address);
        var routers = _state.VirtualRouters.SelectMany(r => new[] { r.Address, r.Address6 }.OfType<IPAddress>().Select(a => (Address: a, r.Name))).ToLookup(r => r.Address, r => r.Name);
        var adopted = 0;
        foreach (var path in found)
        {
            adopted += routers[path.NextHop].Sum(router => floatingIPs[path.Prefix].Count(f => _sequencer.Adopt(f.Uid, path.Key.Path.RoutingInstance, router)));
        }

        _speakerStarted = true;
        _foundUnwanted = adopted < found.Count;
        _peersHeldBack &= found.Count == 0;
        // What is to be announced is in Told. Withdrawals from before the speaker answered must be confirmed: entries wait for that.
        var told = _sequencer.Told.ToList();
        var kept = told.Select(r => (r.FloatingIP, r.Path)).ToHashSet();
        _speakerWorker.Post(new RouteJob(told, [.. _sequencer.TakeRoutes().Withdraw.Where(r => !kept.Contains((r.FloatingIP, r.Path)))], Whole: true, Import: _instances.ImportTargets));
        PostPeers();
        LogSpeaker(_logger, found.Count, adopted);
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
        && before.Frontends.Any(f => f.FloatingIP is { } held && compiled?.Frontends.Any(n => n.FloatingIP == held) != true);

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

    private async Task HearControlNodesAsync(IReadOnlyCollection<ChangeRow> changes, CancellationToken ct)
    {
        var floatingIPs = changes.Select(c => c.Uid).ToHashSet();
        if (floatingIPs.Contains(Guid.Empty))
        {
            TakeAnnounced(await _controlNodes.AnnouncedByOthersAsync(_self, null, ct));
        }
        else if (floatingIPs.Count > 0)
        {
            var announced = await _controlNodes.AnnouncedByOthersAsync(_self, floatingIPs, ct);
            foreach (var floatingIP in floatingIPs) _others.Clear(floatingIP);
            foreach (var (floatingIP, node, paths) in announced) _others.Set(floatingIP, node, paths);
            foreach (var floatingIP in floatingIPs)
            {
                if (_state.TryGetFloatingIP(floatingIP) is { } known) _statusDue.Add(known.Service ?? known.Uid);
            }
        }
    }

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
                LogRoundFailed(_logger, e);
                await Task.Delay(TimeSpan.FromSeconds(1), _time, ct);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Services} services and {FloatingIPs} floating IPs at position {Position}")]
    private static partial void LogLoaded(ILogger logger, int services, int floatingIPs, long position);

    [LoggerMessage(Level = LogLevel.Information, Message = "The speaker answered: it holds {Found} paths, {Adopted} of them stay")]
    private static partial void LogSpeaker(ILogger logger, int found, int adopted);

    [LoggerMessage(Level = LogLevel.Information, Message = "vRouter {Name} ({Address}) connected")]
    private static partial void LogConnected(ILogger logger, string name, IPAddress address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "vRouter {Name} disconnected; it goes on forwarding what it has")]
    private static partial void LogDisconnected(ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "vRouter {Name} refused revision {Revision}: {Error}")]
    private static partial void LogRefused(ILogger logger, string name, ulong revision, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A round of the reconciler failed; the next one starts again from what is known")]
    private static partial void LogRoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The change feed no longer begins before {Position}: everything is read again")]
    private static partial void LogBehind(ILogger logger, FeedPosition position);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Owner} could not be compiled; it keeps what it has")]
    private static partial void LogNotCompiled(ILogger logger, Exception exception, Guid owner);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This replica could not say that it is alive: {Reason}")]
    private static partial void LogBeatFailed(ILogger logger, string reason);
}
