using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Turns what agents report on their streams' own threads into events for the loop.</summary>
internal sealed class AgentInbox(IVRouterPublisher publisher, LoopInbox inbox, OverlayMetrics overlay, IcmpMetrics icmp) : IVRouterListener
{
    /// <summary>From now on agents are heard; those that are connected already are reported at once.</summary>
    public void Listen() => publisher.Listen(this);

    public void Connected(VRouterHello hello) => inbox.Post(new AgentEvent.Connected(hello));

    public void Disconnected(string name)
    {
        overlay.Forget(name);
        icmp.Forget(name);
        inbox.Post(new AgentEvent.Disconnected(name));
    }

    public void Vanished(VRouterHello hello, IReadOnlyCollection<string> silent, bool isWitnessed) => inbox.Post(new AgentEvent.Vanished(hello, silent, isWitnessed));

    public void Applied(string name, ulong revision, string? error, IReadOnlyList<VRouterRefusal> refused) =>
        inbox.Post(new AgentEvent.Applied(name, revision, error, refused));

    public void Health(string name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints) =>
        inbox.Post(new AgentEvent.Health(name, endpoints));

    public void Noticed(string name, string? message) => inbox.Post(new AgentEvent.Noticed(name, message));

    public void Inspected(string name, IReadOnlyList<VRouterNodeFault>? faults) => inbox.Post(new AgentEvent.Inspected(name, faults));

    public void Seen(string name, long repairs) => inbox.PostWithoutWaking(new AgentEvent.Seen(name, repairs));

    /// <summary>Counters are for metrics alone: the loop decides nothing by them.</summary>
    public void Counted(string name, VRouterOverlayCounters counters) => overlay.Set(name, counters);

    public void Counted(string name, VRouterIcmpCounters counters) => icmp.Set(name, counters);
}
