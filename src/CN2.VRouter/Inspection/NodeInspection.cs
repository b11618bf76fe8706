using System.Net;
using CN2.Network.Addressing;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Looks at the node for what drops or misroutes its traffic, by reading only. Settings and the table of tracked flows are read with every
/// <see cref="Look"/>; other firewalls when somebody changed nftables, and from time to time, because older tables give no notice.
/// </summary>
public sealed partial class NodeInspection
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RoutesInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RulesInterval = TimeSpan.FromSeconds(10);

    /// <summary>After a reading that took long, the next one begins so many times later: a node whose rules change all the time is not kept busy.</summary>
    private const int Rest = 20;

    private readonly NodeUplinks _uplinks;
    private readonly ForwardingSettings _forwarding;
    private readonly EndpointForwarding _endpoints;
    private readonly ForeignRules _rules;
    private readonly ReversePathFilter _filter;
    private readonly ConntrackPressure _conntrack;
    private readonly Func<int> _changes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile IReadOnlyList<NodeFault> _ofRules = [];
    private volatile IReadOnlyList<NodeFault> _ofRoutes = [];
    private volatile IReadOnlyList<NodeFault> _ofEndpoints = [];
    private volatile bool _tunnels;

    /// <param name="table">The agent's own table.</param>
    /// <param name="uplinks">Refreshed by others.</param>
    /// <param name="endpoints">The endpoints that are on this node.</param>
    /// <param name="changes">How often others have changed nftables so far.</param>
    public NodeInspection(string table, NodeUplinks uplinks, Func<Task<IReadOnlyList<IPAddress>>> endpoints, Func<int> changes, TimeProvider time, ILogger<NodeInspection> logger)
    {
        _uplinks = uplinks;
        _forwarding = new ForwardingSettings(uplinks);
        _endpoints = new EndpointForwarding(uplinks, endpoints);
        _rules = new ForeignRules(table);
        _filter = new ReversePathFilter(uplinks, time);
        _conntrack = new ConntrackPressure(time);
        _changes = changes;
        _time = time;
        _logger = logger;
    }

    /// <summary>Everything that is wrong now. Any thread may call it.</summary>
    /// <param name="tunnels">The node has RoutingInstances.</param>
    public IReadOnlyList<NodeFault> Look(bool tunnels)
    {
        _tunnels = tunnels;
        lock (_lock) return [.. _forwarding.Faults(tunnels), .. _ofRules, .. _ofRoutes, .. _ofEndpoints, .. _conntrack.Faults()];
    }

    /// <summary>Runs until <paramref name="cancellation"/>.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var (changes, tunnels) = (0, false);
        var rest = TimeSpan.Zero;
        long? rulesAt = null, routesAt = null;
        using var timer = new PeriodicTimer(Tick, _time);
        do
        {
            if (routesAt is not { } lastRoutes || _time.GetElapsedTime(lastRoutes) >= RoutesInterval)
            {
                _ofRoutes = await TryAsync(_filter.ReadAsync, _ofRoutes);
                _ofEndpoints = await TryAsync(_endpoints.ReadAsync, _ofEndpoints);
                routesAt = _time.GetTimestamp();
            }

            var now = (_changes(), _tunnels);
            if (rulesAt is { } lastRules && (_time.GetElapsedTime(lastRules) is var since) && (since < rest || (now == (changes, tunnels) && since < RulesInterval))) continue;
            var began = _time.GetTimestamp();
            (changes, tunnels) = now;
            _ofRules = await TryAsync(() => _rules.ReadAsync(_uplinks.Has(IPFamily.IPv6), tunnels), _ofRules);
            rulesAt = _time.GetTimestamp();
            rest = Rest * _time.GetElapsedTime(began);
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    /// <summary>What cannot be read now (an interface or a chain went meanwhile, or nft prints what nobody expects) is as it was: forwarding does not depend on it.</summary>
    private async Task<IReadOnlyList<NodeFault>> TryAsync(Func<Task<IReadOnlyList<NodeFault>>> read, IReadOnlyList<NodeFault> before)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotRead(e.Message);
            return before;
        }
    }

    [LoggerMessage(17, LogLevel.Warning, "The node could not be looked at: {Reason}. Trying again.")]
    private partial void LogNotRead(string reason);
}
