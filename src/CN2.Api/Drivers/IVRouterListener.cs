using CN2.Network.Resources;

namespace CN2.Api.Drivers;

/// <summary>Receives the messages of agents. Called on the stream's own task, so an implementation must only queue them.</summary>
public interface IVRouterListener
{
    /// <summary>An agent has connected; it waits for its whole configuration.</summary>
    void Connected(VRouterHello hello);

    /// <summary>The stream of an agent has ended.</summary>
    void Disconnected(string name);

    /// <summary>
    /// An agent is silent for as long as was asked for (<c>VRouters:LostAfterSeconds</c> below 3 s), and agents of other nodes do not reach its node.
    /// It is said again while that lasts.
    /// </summary>
    /// <param name="hello">How its stream began.</param>
    /// <param name="silent">All agents that are silent here, this one too.</param>
    /// <param name="isWitnessed">Others were asked; false: there is no other agent here, and it was silent for longer.</param>
    void Vanished(VRouterHello hello, IReadOnlyCollection<string> silent, bool isWitnessed)
    {
    }

    /// <summary>The agent has applied everything up to this revision, or could not: a sentence says why.</summary>
    /// <param name="refused">All that is not in force although the revision is.</param>
    void Applied(string name, ulong revision, string? error, IReadOnlyList<VRouterRefusal> refused);

    /// <summary>Results of health checks that changed.</summary>
    void Health(string name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints);

    /// <summary>A heartbeat, with the number of differences on the node that the agent has repaired since its start.</summary>
    void Seen(string name, long repairs);

    /// <summary>With every heartbeat of an agent that has an overlay engine.</summary>
    void Counted(string name, VRouterOverlayCounters counters)
    {
    }

    /// <summary>With every heartbeat of an agent that relays ICMP errors.</summary>
    void Counted(string name, VRouterIcmpCounters counters)
    {
    }

    /// <summary>A sentence about what an operator should correct on the node, or null when it is corrected; called only when it changes.</summary>
    void Noticed(string name, string? message)
    {
    }

    /// <summary>What drops or misroutes traffic on the node itself; called with the first heartbeat of a stream, and when it changes.</summary>
    /// <param name="faults">Empty: nothing does. Null: the agent is older and does not look.</param>
    void Inspected(string name, IReadOnlyList<VRouterNodeFault>? faults)
    {
    }
}
