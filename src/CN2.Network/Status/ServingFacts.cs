using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>A vRouter that refused entries, with the message of its agent.</summary>
public sealed record VirtualRouterError(string VirtualRouter, string Message);

/// <summary>An entry that a vRouter cannot take, with the reason of its agent or kernel.</summary>
public sealed record EntryRefusal(string VirtualRouter, string Entry, string Reason);

/// <summary>A vRouter on whose node something stops traffic, and which kinds.</summary>
public sealed record StoppingNode(string VirtualRouter, TrafficKinds Stopped);

/// <summary>What the reconciler knows of a Service or FloatingIP. The defaults are the facts of a new resource.</summary>
public abstract record ServingFacts
{
    public long Generation { get; init; }

    public bool Deleting { get; init; }

    /// <summary>The number of chosen endpoints, and how many of them take new flows (<see cref="CompiledOwner"/>).</summary>
    public int EndpointsTotal { get; init; }
    public int EndpointsReady { get; init; }

    /// <summary>Every vRouter that must carry the entries has acknowledged them. Lost vRouters do not count. True when no vRouter must.</summary>
    public bool Programmed { get; init; }

    /// <summary>The vRouters that have not acknowledged yet.</summary>
    public EquatableList<string> VirtualRoutersAwaited { get; init; } = [];

    /// <summary>Those of <see cref="VirtualRoutersAwaited"/>, and for a deletion all, that have been away for too long together with many others: they do not become lost.</summary>
    public EquatableList<string> VirtualRoutersHeld { get; init; } = [];

    /// <summary>vRouters with an endpoint that refused all that they were sent. Others are awaited.</summary>
    public EquatableList<VirtualRouterError> VirtualRouterErrors { get; init; } = [];

    /// <summary>Entries that a vRouter with an endpoint has refused while it took everything else.</summary>
    public EquatableList<EntryRefusal> EntriesRefused { get; init; } = [];

    /// <summary>
    /// vRouters without an endpoint that refuse entries. That is a fault of the node: clients elsewhere are served, so the resource is as ready as without them. Sorted.
    /// </summary>
    public EquatableList<string> RefusedElsewhere { get; init; } = [];

    /// <summary>
    /// The number of vRouters to which clients are sent (<see cref="CompiledOwner.Carriers"/>), and those of them on whose nodes something stops
    /// <see cref="Traffic"/> of the resource. Sorted by vRouter.
    /// </summary>
    public int Carriers { get; init; }
    public EquatableList<StoppingNode> NotForwarding { get; init; } = [];

    /// <summary>The kinds of traffic that the resource has.</summary>
    public TrafficKinds Traffic { get; init; } = TrafficKinds.All;

    /// <summary>The number of routes that are wanted, that are in the table of the speaker, and that are sent to at least one Established peer.</summary>
    public int RoutesWanted { get; init; }
    public int RoutesInSpeaker { get; init; }
    public int RoutesSent { get; init; }

    /// <summary>The number of wanted routes that the speaker refuses, and its sentence about the first of them; null when it refuses none.</summary>
    public int RoutesRefused { get; init; }
    public string? RouteRefusal { get; init; }

    /// <summary>Control nodes that are gone and whose engine may still announce the address. Sorted.</summary>
    public EquatableList<string> ControlNodesGone { get; init; } = [];

    /// <summary>Other control nodes that are alive and whose engines may announce the address, in order.</summary>
    public EquatableList<string> ControlNodesAnnouncing { get; init; } = [];

    /// <summary>Next hops that are not wanted any more and that only control nodes that are gone may still announce, each with its control node. Sorted.</summary>
    public EquatableList<LeftNextHop> NextHopsLeft { get; init; } = [];

    /// <summary>False: the engine is <c>none</c>.</summary>
    public bool BgpEnabled { get; init; } = true;

    /// <summary>The address families of the routes that no Established peer has negotiated, as a BgpRouter names them. Sorted.</summary>
    public EquatableList<string> FamiliesWithoutPeer { get; init; } = [];

    /// <summary>The control node whose BGP engine does not answer, or null; routers keep what they have for the restart time.</summary>
    public string? EngineAwayAt { get; init; }

    /// <summary>Established peers that take no more prefixes (their <c>maxAdvertised</c>), and so do not get the routes. Sorted.</summary>
    public EquatableList<string> RoutersFull { get; init; } = [];

    /// <summary>
    /// The namespaces of the ExternalNetworks whose routes the export policy holds back, because they are outside of what the namespace is granted. Sorted.
    /// </summary>
    public EquatableList<string> OutsideGrantOf { get; init; } = [];

    /// <summary>A peer without ADD-PATH got only the best of several next hops.</summary>
    public bool AddPathLimited { get; init; }

    /// <summary>From <see cref="CompiledOwner.Problems"/>.</summary>
    public EquatableList<CompilationProblem> Problems { get; init; } = [];
}

/// <summary>The facts of a Service.</summary>
public sealed record ServiceFacts : ServingFacts
{
    public ServiceType Type { get; init; }

    /// <summary>The <see cref="ConditionReason"/> and the sentence for a missing address or node port; null when none is missing.</summary>
    public string? PendingReason { get; init; }
    public string? PendingMessage { get; init; }

    /// <summary>The Service holds at least one external address.</summary>
    public bool HasExternal { get; init; }
}

/// <summary>The facts of a FloatingIP. A FloatingIP of a Service has the facts of its own entries and routes.</summary>
public sealed record FloatingIPFacts : ServingFacts
{
    public FloatingIPKind Kind { get; init; }

    /// <summary>A Service holds the FloatingIP, or the FloatingIP is attached to interfaces.</summary>
    public bool Attached { get; init; }
}

/// <summary>A state and its conditions in the order Allocated, Programmed, Advertised, Ready. Value equality, so that an equal status is not written again.</summary>
public sealed record StatusResult(ResourceState State, EquatableList<Condition> Conditions)
{
    /// <summary>The condition of a type.</summary>
    public Condition this[string type] => Conditions.First(c => c.Type == type);
}
