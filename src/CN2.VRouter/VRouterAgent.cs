using System.Reflection;
using CN2.VRouter.Certificates;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;
using CN2.VRouter.Probes;
using CN2.VRouter.V1;
using Google.Protobuf;
using NodeFault = CN2.VRouter.Inspection.NodeFault;

namespace CN2.VRouter;

/// <summary>
/// The agent: one task keeps a stream to a server, another applies what the stream brings. They share only a queue, so a server that
/// goes away, or a transaction that takes long, stops neither forwarding nor probes.
/// </summary>
public sealed partial class VRouterAgent : IAsyncDisposable
{
    private readonly AgentCommand.Run _options;
    private readonly IDataplane _dataplane;
    private readonly IOverlayEngine? _overlay;
    private readonly HealthStore _store;
    private readonly ProbeEngine _probes;
    private readonly ILogger<VRouterAgent> _logger;
    private readonly UpdaterInbox _inbox;
    private readonly ServerConnection _connection;
    private readonly CertificateRenewal? _renewal;
    private readonly DataplaneUpdater _updater;
    private readonly NodeFence _fence;
    private readonly NodeUplinks? _uplinks;
    private readonly NodeInspection? _inspection;
    private readonly IIcmpRelay? _relay;
    private readonly NodeWitness _witness = new();
    private readonly TimeProvider _time;
    private string _lastNotice = "";

    /// <param name="overlay">The engine of the data plane's tunnels, for the hello and the heartbeats; null: there is none.</param>
    /// <param name="fence">The same that the data plane has; null: one of the agent's own.</param>
    /// <param name="uplinks">The same that the data plane has; null: it has none.</param>
    /// <param name="inspection">Looks at the node for what drops its traffic; null: nobody does.</param>
    /// <param name="relay">Relays ICMP errors between nodes; null: nobody does. Disposing of it is the caller's.</param>
    public VRouterAgent(
        AgentCommand.Run options, IDataplane dataplane, IProber prober, HealthStore store, TimeProvider time, ILogger<VRouterAgent> logger, IOverlayEngine? overlay = null,
        NodeFence? fence = null, NodeUplinks? uplinks = null, NodeInspection? inspection = null, IIcmpRelay? relay = null)
    {
        _inspection = inspection;
        _relay = relay;
        _fence = fence ?? FenceOf(options);
        _uplinks = uplinks;
        _time = time;
        _options = options;
        _dataplane = dataplane;
        _overlay = overlay;
        _store = store;
        _logger = logger;
        _inbox = new UpdaterInbox(time);
        var trust = new ServerTrust(AgentCertificate.CaFileOf(options.CaFile, options.StateDirectory));
        var own = options.StateDirectory is null ? null : new AgentCertificate(options.StateDirectory);
        _connection = new ServerConnection(options.Servers, NewHello(options, overlay), trust, own, time, logger);
        _renewal = own is null ? null : new CertificateRenewal(options.Servers, own, trust, time, logger);
        _probes = new ProbeEngine(new FencedProber(prober, _fence), store, time, report => _connection.Send(WireMapping.HealthReport([report])));
        var desired = new DesiredState([.. _fence.Addresses]);
        _updater = new DataplaneUpdater(_inbox, desired, dataplane, _probes, relay, logger);
    }

    public static string Version { get; } =
        typeof(VRouterAgent).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>What no server can take from this node.</summary>
    public static NodeFence FenceOf(AgentCommand.Run options) =>
        new(options.Servers, options.Address6 is { } address6 ? [options.Address, address6] : [options.Address]);

    /// <summary>By which interfaces packets come from outside.</summary>
    public static NodeUplinks UplinksOf(AgentCommand.Run options) =>
        new(options.Address6 is { } address6 ? [options.Address, address6] : [options.Address]);

    /// <summary>Runs until <paramref name="cancellation"/>; the data plane stays as it is.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        // Before anything arrives: the names of the servers are resolved.
        try
        {
            await RefreshFenceAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] tasks =
        [
            _connection.RunAsync(Connected, Received, Beat, stop.Token),
            _inbox.WatchAsync(_dataplane.Drift, stop.Token),
            _updater.RunAsync(stop.Token),
            KeepFenceAsync(stop.Token),
            .. _inspection is null ? Array.Empty<Task>() : [_inspection.RunAsync(stop.Token)],
            .. _renewal is null ? Array.Empty<Task>() : [_renewal.RunAsync(stop.Token)],
        ];
        // None of them ends by itself: the first to end has a fault that must be seen.
        var first = await Task.WhenAny(tasks);
        await stop.CancelAsync();
        await Task.WhenAll(tasks).ContinueWith(static _ => { }, TaskScheduler.Default);
        try
        {
            await first;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _probes.DisposeAsync();
        _store.Dispose();
        _inbox.Dispose();
    }

    private static Hello NewHello(AgentCommand.Run options, IOverlayEngine? overlay) => new()
    {
        Name = options.Name,
        Address = ByteString.CopyFrom(options.Address.GetAddressBytes()),
        Address6 = ByteString.CopyFrom(options.Address6?.GetAddressBytes() ?? []),
        AgentVersion = Version,
        OverlayEngine = overlay?.Name ?? "",
        Instance = AgentIdentity.Of(options.StateDirectory).Instance,
        TakesParts = true,
        TakesInside = true,
    };

    private async Task KeepFenceAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(NodeFence.Interval, _time, cancellation);
            await RefreshFenceAsync(cancellation);
        }
    }

    private async Task RefreshFenceAsync(CancellationToken cancellation)
    {
        if (await _fence.RefreshAsync(cancellation)) _inbox.Post(new UpdaterEvent.Fenced(_fence.Addresses));
        if (_uplinks?.Refresh() == true) _inbox.Post(new UpdaterEvent.Uplinked());
    }

    private void Connected(ServerStream stream)
    {
        _inbox.Post(new UpdaterEvent.Connected(stream));
        // A server that has just started knows no health: it gets all that the probes know.
        if (_probes.Known() is { Count: > 0 } known) stream.Send(WireMapping.HealthReport(known));
    }

    private void Received(ServerMessage message)
    {
        if (message.WitnessQuestion is { } question) _witness.Ask(question, _connection.Send);
        else _inbox.Post(new UpdaterEvent.Received(message));
    }

    private Heartbeat Beat()
    {
        var carried = _overlay?.Counters;
        var tunnels = carried?.RoutingInstances.Count > 0;
        var faults = _inspection?.Look(tunnels);
        return new Heartbeat
        {
            Repairs = _updater.Repairs,
            Message = Notice(faults ?? [], tunnels),
            Overlay = carried is null ? null : WireMapping.Counters(carried),
            Node = faults is null ? null : WireMapping.NodeReport(faults),
            Icmp = _relay is null ? null : WireMapping.Counters(_relay.Counters),
        };
    }

    /// <summary>What is wrong on the node and not the agent's to change; tunnels only count where there are RoutingInstances.</summary>
    private string Notice(IReadOnlyList<NodeFault> faults, bool tunnels)
    {
        var sentences = faults.Select(f => f.Message).ToList();
        if (tunnels && _overlay?.Notice is { } ofEngine) sentences.Add(ofEngine.TrimEnd('.'));
        if (_relay?.Notice is { } ofRelay) sentences.Add(ofRelay);
        var notice = string.Join(". ", sentences);
        if (notice != _lastNotice && notice.Length > 0) LogNotice(notice);
        return _lastNotice = notice;
    }

    [LoggerMessage(14, LogLevel.Warning, "{Notice}.")]
    private partial void LogNotice(string notice);
}
