using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

/// <summary>The rows. Each is immutable, so a copy of the dictionaries is a snapshot.</summary>
internal sealed class Tables
{
    public Dictionary<Guid, ExternalNetwork> Networks { get; private init; } = [];
    public Dictionary<Guid, Service> Services { get; private init; } = [];
    public Dictionary<Guid, FloatingIP> FloatingIPs { get; private init; } = [];
    public Dictionary<Guid, VirtualMachineInterface> Endpoints { get; private init; } = [];
    public Dictionary<Guid, VirtualRouter> Routers { get; private init; } = [];
    public Dictionary<Guid, RouterStatus> RouterStatuses { get; private init; } = [];
    public Dictionary<string, BgpPeer> Peers { get; private init; } = [];
    public Dictionary<string, ControlNodeRow> ControlNodes { get; private init; } = [];
    public Dictionary<(Guid FloatingIP, string ControlNode), IReadOnlyDictionary<RouteKey, uint>> Advertisements { get; private init; } = [];
    public Dictionary<(Guid Router, AgentRefusalReason Reason), (string Message, DateTimeOffset LastAt)> Intruders { get; private init; } = [];
    public Dictionary<Guid, string> Statuses { get; private init; } = [];
    public Dictionary<string, IReadOnlyCollection<string>> OwedSessions { get; private init; } = [];

    /// <summary>Control node → the number of its last write of announcement rows.</summary>
    public Dictionary<string, long> AnnouncementWriters { get; private init; } = [];

    public Dictionary<string, (object Writer, AgentsApplied? Applied)> AgentsApplied { get; private init; } = [];

    public Tables Copy() => new()
    {
        Networks = new(Networks),
        Services = new(Services),
        FloatingIPs = new(FloatingIPs),
        Endpoints = new(Endpoints),
        Routers = new(Routers),
        RouterStatuses = new(RouterStatuses),
        Peers = new(Peers),
        ControlNodes = new(ControlNodes),
        Advertisements = new(Advertisements),
        Intruders = new(Intruders),
        Statuses = new(Statuses),
        OwedSessions = new(OwedSessions),
        AnnouncementWriters = new(AnnouncementWriters),
        AgentsApplied = new(AgentsApplied),
    };
}
