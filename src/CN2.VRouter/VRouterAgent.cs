using System.Reflection;
using System.Threading.Channels;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Probes;
using CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CN2.VRouter;

/// <summary>
/// The agent: one task keeps a stream to a server, one applies what the stream brings. They share a queue only, so that a server that
/// goes away, or a transaction that takes long, stops neither forwarding nor probes.
/// </summary>
public sealed partial class VRouterAgent : IAsyncDisposable
{
    private static readonly TimeSpan RetryTransaction = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(100);

    private readonly AgentCommand.Run _options;
    private readonly IDataplane _dataplane;
    private readonly IOverlayEngine? _overlay;
    private readonly HealthStore _store;
    private readonly ProbeEngine _probes;
    private readonly TimeProvider _time;
    private readonly ILogger<VRouterAgent> _logger;
    private readonly DesiredState _desired;
    private readonly Channel<(ServerStream Stream, ServerMessage? Message)> _inbox =
        Channel.CreateUnbounded<(ServerStream, ServerMessage?)>(new UnboundedChannelOptions { SingleReader = true });

    private ServerStream? _current;
    private ulong _repairs;
    private volatile string _notice = "";

    /// <param name="overlay">The engine of the data plane's tunnels, to tell of it; null: there is none.</param>
    public VRouterAgent(
        AgentCommand.Run options, IDataplane dataplane, IProber prober, HealthStore store, TimeProvider time, ILogger<VRouterAgent> logger, IOverlayEngine? overlay = null)
    {
        _options = options;
        _dataplane = dataplane;
        _overlay = overlay;
        _store = store;
        _time = time;
        _logger = logger;
        _desired = new DesiredState(options.Address6 is { } address6 ? [options.Address, address6] : [options.Address]);
        _probes = new ProbeEngine(prober, store, time, report => _current?.Send(Message([report])));
    }

    public static string Version { get; } =
        typeof(VRouterAgent).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Runs until <paramref name="cancellation"/>; the data plane stays as it is.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] tasks = [ConnectAsync(stop.Token), ApplyAsync(stop.Token)];
        try
        {
            // Neither ends by itself: the first to end has a fault that must be seen.
            await await Task.WhenAny(tasks);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Asked to stop.
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(tasks).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _probes.DisposeAsync();
        _store.Dispose();
    }

    private async Task ConnectAsync(CancellationToken cancellation)
    {
        var hello = new Hello
        {
            Name = _options.Name,
            Address = ByteString.CopyFrom(_options.Address.GetAddressBytes()),
            Address6 = ByteString.CopyFrom(_options.Address6?.GetAddressBytes() ?? []),
            AgentVersion = Version,
            OverlayEngine = _overlay?.Name ?? "",
        };
        string? complaint = null;
        for (var turn = 0; ; turn++)
        {
            var server = _options.Servers[turn % _options.Servers.Count];
            var stream = new ServerStream(server, hello, _time);
            var connected = false;
            var began = _time.GetTimestamp();
            try
            {
                await stream.RunAsync(
                    () =>
                    {
                        connected = true;
                        complaint = null;
                        LogConnected(server);
                        _inbox.Writer.TryWrite((stream, null));
                        _current = stream;
                        if (_probes.Known() is { Count: > 0 } known) stream.Send(Message(known));
                    },
                    message => _inbox.Writer.TryWrite((stream, message)),
                    Beat,
                    cancellation);
            }
            catch (RpcException e)
            {
                cancellation.ThrowIfCancellationRequested();
                var reason = e.Status.StatusCode == StatusCode.Unavailable && e.Status.DebugException is { } cause
                    ? (cause.InnerException ?? cause).Message
                    : e.Status.Detail;
                // Once, not every second; forwarding goes on meanwhile.
                if (connected || complaint != reason) LogDisconnected(server, reason);
                complaint = reason;
            }

            _current = null;
            // At once to another server when a live stream breaks; else one attempt a second, and a moment after one that took longer.
            if (connected && _options.Servers.Count > 1) continue;
            var pause = (Reconnect / Math.Min(_options.Servers.Count, 4)) - (connected ? TimeSpan.Zero : _time.GetElapsedTime(began));
            await Task.Delay(pause > ShortPause ? pause : ShortPause, _time, cancellation);
        }
    }

    private async Task ApplyAsync(CancellationToken cancellation)
    {
        ServerStream? source = null;
        var known = false; // the source has sent something: only of that may it be told
        var retry = false;
        var told = ""; // the last error, once in the log
        Task? pause = null;
        var message = _inbox.Reader.WaitToReadAsync(cancellation).AsTask();
        var drift = _dataplane.Drift.WaitToReadAsync(cancellation).AsTask();
        while (true)
        {
            await await Task.WhenAny(retry ? [message, drift, pause!] : [message, drift]);
            var work = retry && pause!.IsCompleted;
            var repair = false;
            // All that came while the last transaction ran goes into one.
            while (_inbox.Reader.TryRead(out var item))
            {
                source = item.Stream;
                if (item.Message is null)
                {
                    _desired.Reconnected();
                    known = false;
                }
                else if (_desired.Take(item.Message))
                {
                    work = known = true;
                }
            }

            if (message.IsCompleted) message = _inbox.Reader.WaitToReadAsync(cancellation).AsTask();
            if (_dataplane.Drift.TryRead(out var what))
            {
                LogDrift(what);
                repair = true;
            }

            if (drift.IsCompleted) drift = _dataplane.Drift.WaitToReadAsync(cancellation).AsTask();
            if ((!work && !repair) || _desired.Revision == 0) continue;

            var revision = _desired.Revision;
            var error = "";
            try
            {
                await _dataplane.ApplyAsync(_desired.Dataplane, _desired.Change, cancellation);
                error = _desired.Fault ?? "";
                _desired.Clean();
                retry = false;
                if (repair) Interlocked.Increment(ref _repairs);
            }
            catch (DataplaneException e)
            {
                error = e.Message;
                _desired.Doubt();
                retry = true;
                pause = Task.Delay(RetryTransaction, _time, cancellation);
            }

            if (error != told && error.Length > 0) LogRefused(revision, error);
            told = error;
            if (known && (work || error.Length > 0)) source?.Send(new AgentMessage { Applied = new Applied { Revision = revision, Error = error } });
            if (_desired.ProbesChanged)
            {
                _probes.Set(_desired.Probes);
                _desired.ProbesTaken();
            }
        }
    }

    private Heartbeat Beat()
    {
        var carried = _overlay?.Counters;
        return new Heartbeat
        {
            Repairs = Interlocked.Read(ref _repairs),
            Message = _notice = Notice(carried?.RoutingInstances.Count > 0),
            Overlay = carried is null ? null : WireMapping.Counters(carried),
        };
    }

    /// <summary>What is amiss on the node and not ours to change; about tunnels only where there are some.</summary>
    private string Notice(bool tunnels)
    {
        var faults = new List<string>();
        if (Reads("/proc/sys/net/ipv4/ip_forward", "0")) faults.Add("net.ipv4.ip_forward is 0: nothing is forwarded to endpoints over IPv4; set it to 1");
        if (_options.Address6 is not null && Reads("/proc/sys/net/ipv6/conf/all/forwarding", "0"))
            faults.Add("net.ipv6.conf.all.forwarding is 0: nothing is forwarded to endpoints over IPv6; set it to 1");
        // The higher of "all" and the device's own counts: what comes out of a tunnel has a source that only the VPN's table knows.
        if (tunnels && Reads("/proc/sys/net/ipv4/conf/all/rp_filter", "1"))
            faults.Add("net.ipv4.conf.all.rp_filter is 1: packets out of VPNs are dropped; set it to 0 or 2");
        if (tunnels && _overlay?.Notice is { } told) faults.Add(told.TrimEnd('.'));
        var notice = string.Join(". ", faults);
        if (notice != _notice && notice.Length > 0) LogNotice(notice);
        return notice;
    }

    private static bool Reads(string path, string value)
    {
        try
        {
            return File.ReadAllText(path).Trim() == value;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static AgentMessage Message(IEnumerable<ProbeReport> reports)
    {
        var health = new HealthReport();
        health.Endpoints.AddRange(reports.Select(r => new V1.EndpointHealth
        {
            Uid = WireMapping.Uid(r.Uid),
            Health = WireMapping.Health(r.Health),
            Message = r.Message,
        }));
        return new AgentMessage { Health = health };
    }

    [LoggerMessage(10, LogLevel.Information, "Connected to {Server}.")]
    private partial void LogConnected(Uri server);

    [LoggerMessage(11, LogLevel.Warning, "No server at {Server}: {Reason}. Forwarding goes on; trying again.")]
    private partial void LogDisconnected(Uri server, string reason);

    [LoggerMessage(12, LogLevel.Error, "Revision {Revision} is not in force: {Reason}.")]
    private partial void LogRefused(ulong revision, string reason);

    [LoggerMessage(13, LogLevel.Warning, "Repairing: {What}.")]
    private partial void LogDrift(string what);

    [LoggerMessage(14, LogLevel.Warning, "{Notice}.")]
    private partial void LogNotice(string notice);
}
