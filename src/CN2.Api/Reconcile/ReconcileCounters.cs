using System.Diagnostics.Metrics;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>How much work changes cause, for /metrics and the change-cost benchmark.</summary>
public sealed class ReconcileCounters
{
    private readonly Counter<long> _owners;
    private readonly Counter<long> _statuses;
    private int _held;
    private int _flapping;

    public ReconcileCounters(IMeterFactory meters, IBgpSpeaker speaker, IVRouterPublisher publisher)
    {
        var meter = meters.Create("CN2.Reconcile");
        _owners = meter.CreateCounter<long>("cn2.reconcile.owners_compiled", "{owner}", "Services and directly attached FloatingIPs compiled");
        _statuses = meter.CreateCounter<long>("cn2.reconcile.statuses_written", "{status}", "Statuses that had changed and were written");
        meter.CreateObservableCounter("cn2.bgp.paths_added", () => speaker.Counters.PathsAdded, "{path}", "Paths sent to the BGP engine");
        meter.CreateObservableCounter("cn2.bgp.paths_withdrawn", () => speaker.Counters.PathsWithdrawn, "{path}", "Paths withdrawn from the BGP engine");
        meter.CreateObservableCounter("cn2.bgp.repairs", () => speaker.Counters.Repairs, "{path}", "Paths in the BGP engine that were changed by another program");
        meter.CreateObservableCounter("cn2.bgp.policy_repairs", () => speaker.Counters.PolicyRepairs, "{repair}", "Times the policies of the BGP engine were restored, because another program had changed them");
        meter.CreateObservableCounter("cn2.bgp.engine_restarts", () => speaker.Counters.EngineRestarts, "{restart}", "Times the BGP engine came back empty");
        meter.CreateObservableGauge(
            "cn2.bgp.paths_held_back", () => speaker.Counters.PathsHeldBack, "{path}", "Paths that the export policy does not let leave, because they are outside of what their namespace is granted");
        meter.CreateObservableGauge(
            "cn2.vrouter.held", () => Volatile.Read(ref _held), "{vrouter}", "vRouters that are away while their routes stay, because too many were lost at once; told by the leading replica");
        meter.CreateObservableGauge(
            "cn2.endpoint.flapping", () => Volatile.Read(ref _flapping), "{endpoint}", "Endpoints that are up and held back, because their health check goes up and down too often; told by the leading replica");
        meter.CreateObservableCounter("cn2.vrouter.snapshots", () => publisher.Counters.Snapshots, "{snapshot}", "Whole configurations sent to vRouters");
        meter.CreateObservableCounter("cn2.vrouter.deltas", () => publisher.Counters.Deltas, "{delta}", "Changes of configuration sent to vRouters");
        meter.CreateObservableCounter("cn2.vrouter.frontends_sent", () => publisher.Counters.NatEntriesSent, "{frontend}", "NAT entries sent to vRouters, in either");
        meter.CreateObservableCounter("cn2.vrouter.agents_sent_on", () => publisher.Counters.SentOn, "{agent}", "Agents that this control node has sent to another one, because it had more than its share");
    }

    /// <summary>How many vRouters the leading replica holds: they are away, and their routes stay.</summary>
    public void VirtualRoutersHeld(int count) => Volatile.Write(ref _held, count);

    /// <summary>How many endpoints are held back because they flap.</summary>
    public void EndpointsFlapping(int count) => Volatile.Write(ref _flapping, count);

    public void OwnersCompiled(int count) => _owners.Add(count);

    public void StatusesWritten(int count) => _statuses.Add(count);
}
