using CN2.Api.Drivers;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Something that an agent reported on its stream to this replica.</summary>
/// <param name="Name">The VirtualRouter's name.</param>
internal abstract record AgentEvent(string Name) : LoopEvent
{
    public sealed record Connected(VRouterHello Hello) : AgentEvent(Hello.Name);

    public sealed record Disconnected(string Name) : AgentEvent(Name);

    /// <inheritdoc cref="IVRouterListener.Vanished"/>
    public sealed record Vanished(VRouterHello Hello, IReadOnlyCollection<string> Silent, bool IsWitnessed) : AgentEvent(Hello.Name);

    /// <summary>The database knows that the agent is connected here.</summary>
    public sealed record Recorded(VRouterHello Hello) : AgentEvent(Hello.Name);

    /// <param name="Error">Why the agent refused the revision, or null when it applied it.</param>
    /// <param name="Refused">All that is not in force although the revision is.</param>
    public sealed record Applied(string Name, ulong Revision, string? Error, IReadOnlyList<VRouterRefusal> Refused) : AgentEvent(Name);

    /// <summary>Results of health checks.</summary>
    /// <param name="LeftOut">How many results were left out while the loop was busy (<see cref="WaitingEvents.MostEndpoints"/>).</param>
    public sealed record Health(string Name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> Endpoints, int LeftOut = 0) : AgentEvent(Name);

    /// <param name="Message">What an operator should correct on the node (a sentence), or null when there is nothing left to correct.</param>
    public sealed record Noticed(string Name, string? Message) : AgentEvent(Name);

    /// <param name="Faults">What drops or misroutes traffic on the node itself; null: the agent does not look.</param>
    public sealed record Inspected(string Name, IReadOnlyList<VRouterNodeFault>? Faults) : AgentEvent(Name);

    /// <summary>A heartbeat.</summary>
    public sealed record Seen(string Name, long Repairs) : AgentEvent(Name);
}
