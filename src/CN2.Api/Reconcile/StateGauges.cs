using System.Diagnostics.Metrics;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>
/// What is up and what is down as this control node sees it, for /metrics. A scrape reads what was published last, from any thread.
/// docs/operating.md lists the metrics.
/// </summary>
internal sealed class StateGauges
{
    private volatile VirtualRouterCounts? _virtualRouters;
    private volatile bool _isDatabaseAway;

    public StateGauges(IMeterFactory meters, IBgpSpeaker speaker)
    {
        var meter = meters.Create("CN2.State");
        meter.CreateObservableGauge(
            "cn2.bgp.session_up", () => speaker.Sessions.Select(s => OfRouter(s, s.IsEstablished ? 1 : 0)), null, "Whether the BGP session of this control node with a BgpRouter is established");
        meter.CreateObservableGauge(
            "cn2.bgp.withheld_prefixes", () => speaker.Sessions.Select(s => OfRouter(s, s.Withheld)), "{prefix}", "Prefixes that are not sent to a BgpRouter because of its maxAdvertised");
        meter.CreateObservableGauge("cn2.bgp.engine_up", () => EngineUp(speaker), null, "Whether the BGP engine answers; no series when Bgp:Engine is none");
        meter.CreateObservableGauge("cn2.vrouters", VirtualRouters, "{vrouter}", "vRouters by state, as this control node sees them");
        meter.CreateObservableGauge("cn2.nodes_not_forwarding", NotForwarding, "{vrouter}", "vRouters on whose nodes something stops the traffic (condition Forwarding)");
        meter.CreateObservableGauge("cn2.connected_agents", AgentsHere, "{agent}", "Agents that are connected to this control node");
        meter.CreateObservableGauge("cn2.database_up", () => _isDatabaseAway ? 0 : 1, null, "Whether the database answered when this control node read it last");
    }

    public void Publish(VirtualRouterCounts counts) => _virtualRouters = counts;

    public void DatabaseIsAway(bool isAway) => _isDatabaseAway = isAway;

    private static Measurement<long> OfRouter(BgpSession session, long value) => new(value, new KeyValuePair<string, object?>("router", session.Peer));

    private static IEnumerable<Measurement<int>> EngineUp(IBgpSpeaker speaker) => speaker.Enabled ? [new(speaker.Healthy ? 1 : 0)] : [];

    private IEnumerable<Measurement<int>> NotForwarding() => _virtualRouters is { } counts ? [new(counts.NotForwarding)] : [];

    private IEnumerable<Measurement<int>> AgentsHere() => _virtualRouters is { } counts ? [new(counts.AgentsHere)] : [];

    private IEnumerable<Measurement<int>> VirtualRouters()
    {
        if (_virtualRouters is not { } counts) return [];
        return [In("connected", counts.Connected), In("disconnected", counts.Disconnected), In("held", counts.Held), In("lost", counts.Lost), In("admin_down", counts.AdminDown)];

        static Measurement<int> In(string state, int count) => new(count, new KeyValuePair<string, object?>("state", state));
    }
}
