using System.Net;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>What the database knows of the VirtualRouter whose name an agent gives, and of the agent that it believes to be connected as that.</summary>
/// <param name="Alive">That agent was seen a moment ago, by a replica that is alive.</param>
internal sealed record KnownAgent(Guid Uid, IPAddress Address, IPAddress? Address6, string? ControlNode, string? Instance, IPAddress? Source, long Connection, bool Alive)
{
    /// <summary>The VirtualRouter has the addresses that the agent says.</summary>
    public bool IsWhere(VRouterHello hello) => Address.Equals(hello.Address) && Equals(Address6, hello.Address6);
}

/// <summary>Why an agent may not connect. The names are condition types of the VirtualRouters concerned.</summary>
internal enum AgentRefusalReason
{
    /// <summary>An agent of that name is connected from elsewhere.</summary>
    DuplicateAgent,

    /// <summary>Its address is another VirtualRouter's, a FloatingIP's, an endpoint's, or one of the infrastructure that no operator has given it.</summary>
    AddressTaken,

    /// <summary>It has connected to another replica since; only this connection ends.</summary>
    Superseded,

    /// <summary>There are as many VirtualRouters as agents may make.</summary>
    TooMany,

    /// <summary>The VirtualRouter that its certificate stands for is gone.</summary>
    Deleted,

    /// <summary>The database takes none of it.</summary>
    Unstorable,
}

/// <param name="Message">A sentence for the operator of the server: it may name what others have.</param>
/// <param name="Told">What the agent is told where it may not have these names; null: the message.</param>
internal sealed record AgentRefusal(AgentRefusalReason Reason, string Message, string? Told = null)
{
    /// <summary>A sentence for the agent.</summary>
    public string Answer => Told ?? Message;

    /// <summary>It may be the same agent, whose former stream has ended at another replica that has not written that yet: ask again a moment later.</summary>
    public bool MayHaveMoved { get; init; }
}

/// <summary>Who may connect as a VirtualRouter. Pure.</summary>
internal static class AgentConnection
{
    private const string Ask = "give this agent its own --address, or ask an operator of the server, whose log and VirtualRouters (condition AddressTaken) say more";

    /// <summary>Null: the agent may, as far as its name is concerned.</summary>
    public static AgentRefusal? Judge(VRouterHello hello, KnownAgent known, string self)
    {
        // Of two agents at this replica the streams decide; a row of a moment ago says nothing about them.
        if (!known.Alive || known.ControlNode is null || known.ControlNode == self) return null;
        // The number says which connection is newer, wherever each came from: an agent may reach every replica from another address.
        if (known.Instance is not null && known.Instance == hello.Instance && known.Connection > hello.Connection)
            return new(AgentRefusalReason.Superseded, $"the agent {hello.Name} has connected to control node {known.ControlNode} since");
        // A copied state directory makes two agents look alike, but not their addresses. So one that comes from another address waits until the former stream has ended.
        if (known.Instance == hello.Instance && Equals(known.Source, hello.Source)) return null;
        return Duplicate(hello.Name, known.Source, known.ControlNode) with { MayHaveMoved = known.Instance is not null && known.Instance == hello.Instance && known.Connection < hello.Connection };
    }

    public static AgentRefusal Deleted(string name) => new(
        AgentRefusalReason.Deleted, $"VirtualRouter {name}, which the agent's certificate stands for, was deleted; join again with a new token (cn2-vrouter join --force)");

    public static AgentRefusal Duplicate(string name, IPAddress? holder, string controlNode) => new(
        AgentRefusalReason.DuplicateAgent,
        $"the name {name} is in use by the agent at {holder?.ToString() ?? "an unknown address"}, which is connected to control node {controlNode}; give this agent another --name, or stop the other one");

    public static AgentRefusal AddressTaken(IPAddress address, string holder) => new(
        AgentRefusalReason.AddressTaken,
        $"the address {address} is that of VirtualRouter {holder}; give this agent its own --address, or delete VirtualRouter {holder} if it is gone",
        InUse(address, "another VirtualRouter"));

    public static AgentRefusal AddressIsFloatingIP(IPAddress address, string floatingIP) => new(
        AgentRefusalReason.AddressTaken,
        $"the address {address} is that of FloatingIP {floatingIP}; give this agent its own --address, or delete what holds the FloatingIP",
        InUse(address, "a FloatingIP"));

    public static AgentRefusal AddressIsEndpoint(IPAddress address, string endpoint) => new(
        AgentRefusalReason.AddressTaken,
        $"the address {address} is that of VirtualMachineInterface {endpoint}; give this agent its own --address, or delete the endpoint if the address is the node's",
        InUse(address, "an endpoint"));

    /// <param name="whose">"the address of BgpRouter vmx1".</param>
    public static AgentRefusal AddressIsInfrastructure(IPAddress address, string whose, string name) => new(
        AgentRefusalReason.AddressTaken,
        $"the address {address} is {whose}; give this agent its own --address, or, when both are on one machine, give VirtualRouter {name} that address by PUT /v1/virtual-routers/{name}",
        InUse(address, "a router, a control node or the database server"));

    /// <param name="where">"ExternalNetwork ns1/vn1".</param>
    /// <param name="kind">"an ExternalNetwork".</param>
    public static AgentRefusal AddressIsOthers(IPAddress address, string where, string kind, string name) => new(
        AgentRefusalReason.AddressTaken,
        $"the address {address} is inside {where}; give this agent its own --address, or give VirtualRouter {name} that address by PUT /v1/virtual-routers/{name}",
        $"the address {address} is inside {kind}, and VirtualRouter {name} was not given it; {Ask}");

    /// <summary>A node learns what kind of thing has an address, and not which: it may be a tenant's.</summary>
    private static string InUse(IPAddress address, string kind) => $"the address {address} is in use by {kind}; {Ask}";

    public static AgentRefusal TooMany(string name, int limit) => new(
        AgentRefusalReason.TooMany,
        $"there are {limit} VirtualRouters, and agents make no more (VRouters__MaximumFromAgents); create {name} with PUT /v1/virtual-routers/{name}, or delete VirtualRouters that are gone");
}
