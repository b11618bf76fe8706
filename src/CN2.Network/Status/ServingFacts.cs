using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>A vRouter that refused its entries, with what its kernel said.</summary>
public sealed record VirtualRouterError(string VirtualRouter, string Message);

/// <summary>What is known of something that is served, gathered by the reconciler; the defaults are those of a resource nobody has looked at yet.</summary>
public abstract record ServingFacts
{
    public long Generation { get; init; }

    public bool Deleting { get; init; }

    /// <summary>Endpoints chosen, and those that take new flows (<see cref="CompiledOwner"/>).</summary>
    public int EndpointsTotal { get; init; }
    public int EndpointsReady { get; init; }

    /// <summary>Every vRouter that must carry the entries has acknowledged them (lost ones do not count); true too when none must.</summary>
    public bool Programmed { get; init; }

    /// <summary>The vRouters still to acknowledge.</summary>
    public EquatableList<string> VirtualRoutersAwaited { get; init; } = [];

    public EquatableList<VirtualRouterError> VirtualRouterErrors { get; init; } = [];

    /// <summary>Routes asked for; those in the speaker's table; those sent to at least one Established peer.</summary>
    public int RoutesWanted { get; init; }
    public int RoutesInSpeaker { get; init; }
    public int RoutesSent { get; init; }

    /// <summary>Routes asked for that the speaker refuses, and its sentence about the first of them; null when it refuses none.</summary>
    public int RoutesRefused { get; init; }
    public string? RouteRefusal { get; init; }

    /// <summary>False: the engine is <c>none</c>.</summary>
    public bool BgpEnabled { get; init; } = true;

    /// <summary>The address families of the routes, as a BgpRouter names them. Sorted.</summary>
    public EquatableList<string> Families { get; init; } = [];

    /// <summary>A peer is Established that negotiated the family of the routes (all families, when there are two).</summary>
    public bool HasEstablishedPeer { get; init; }

    /// <summary>A peer without ADD-PATH was sent only the best of several next hops.</summary>
    public bool AddPathLimited { get; init; }

    /// <summary>From <see cref="CompiledOwner.Problems"/>.</summary>
    public EquatableList<CompilationProblem> Problems { get; init; } = [];
}

/// <summary>The facts of a Service.</summary>
public sealed record ServiceFacts : ServingFacts
{
    public ServiceType Type { get; init; }

    /// <summary>Why an address or node port is missing (<see cref="ConditionReason"/>), with a sentence; null when all is held.</summary>
    public string? PendingReason { get; init; }
    public string? PendingMessage { get; init; }

    /// <summary>It holds at least one external address.</summary>
    public bool HasExternal { get; init; }
}

/// <summary>The facts of a FloatingIP; one that a Service holds has the facts of its own entries and routes.</summary>
public sealed record FloatingIPFacts : ServingFacts
{
    public FloatingIPKind Kind { get; init; }

    /// <summary>A Service holds it, or it is attached to interfaces.</summary>
    public bool Attached { get; init; }
}

/// <summary>A state and its conditions in the order Allocated, Programmed, Advertised, Ready. Value equality: an equal one need not be written.</summary>
public sealed record StatusResult(ResourceState State, EquatableList<Condition> Conditions)
{
    /// <summary>The condition of a type.</summary>
    public Condition this[string type] => Conditions.First(c => c.Type == type);
}
