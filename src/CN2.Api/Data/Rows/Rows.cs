using System.Net;

namespace CN2.Api.Data.Rows;

public sealed class NamespaceRow : ResourceRow;

/// <summary>The selector as the user wrote it is <see cref="Spec"/> (JSON).</summary>
public sealed class ExternalNetworkSelectorRow : ResourceRow
{
    public required string Spec { get; set; }
}

public sealed class ExternalNetworkRow : NamespacedRow
{
    /// <summary>1 to 65535, unique, never changed: the assigned part of the route distinguisher (RD type 1).</summary>
    public int Number { get; set; }

    public bool FabricForwarding { get; set; }
    public bool AutoAssign { get; set; } = true;
    public int Priority { get; set; }

    /// <summary>Subnets as written, route targets, advertisement (JSON).</summary>
    public required string Spec { get; set; }

    public List<SubnetRow> Subnets { get; set; } = [];
}

/// <summary>A pool of addresses: of an ExternalNetwork, or (network null) of the service network.</summary>
public sealed class SubnetRow
{
    public int Id { get; set; }
    public Guid? ExternalNetworkUid { get; set; }
    public required IPNetwork Cidr { get; set; }
    public IPAddress? Gateway { get; set; }

    /// <summary>Place in the network's list: allocation tries subnets of a family in this order.</summary>
    public int Position { get; set; }
}

public sealed class FloatingIPRow : NamespacedRow
{
    public int SubnetId { get; set; }

    /// <summary>Copy of the subnet's CIDR, held to it by a foreign key, so that a check can keep the address inside.</summary>
    public required IPNetwork SubnetCidr { get; set; }

    public required IPAddress Address { get; set; }

    /// <summary>Null: a cluster IP.</summary>
    public Guid? ExternalNetworkUid { get; set; }

    /// <summary>The Service that owns or has claimed it.</summary>
    public Guid? ServiceUid { get; set; }

    /// <summary>Made by a user; survives the Service that claims it.</summary>
    public bool Reserved { get; set; }

    /// <summary>Interfaces and port mappings of a directly attached one (JSON).</summary>
    public string Spec { get; set; } = "{}";

    public DateTimeOffset? DeletingAt { get; set; }
}

public sealed class ServiceRow : NamespacedRow
{
    /// <summary>Everything the user asked for, plus the allocated node ports (JSON).</summary>
    public required string Spec { get; set; }

    /// <summary>A condition reason while an address or node port is missing; null when all is held.</summary>
    public string? PendingReason { get; set; }

    /// <summary>A sentence for the user about <see cref="PendingReason"/>.</summary>
    public string? PendingMessage { get; set; }

    public DateTimeOffset? DeletingAt { get; set; }
}

/// <summary>A node port somebody holds; the primary key is the referee.</summary>
public sealed class NodePortRow
{
    public int Port { get; set; }
    public short Protocol { get; set; }
    public Guid ServiceUid { get; set; }
}

public sealed class FreeNodePortRow
{
    public int Port { get; set; }
    public short Protocol { get; set; }
}

public sealed class VirtualMachineInterfaceRow : NamespacedRow
{
    public required string VirtualRouter { get; set; }
    public required IPAddress[] Addresses { get; set; }
    public bool Ready { get; set; } = true;
    public string? HealthCheck { get; set; }

    /// <summary>What the probe last said: Unknown, Healthy or Unhealthy, with a sentence. Not part of the generation.</summary>
    public string Health { get; set; } = "Unknown";
    public string? HealthMessage { get; set; }
    public DateTimeOffset? HealthChangedAt { get; set; }
}

public sealed class VirtualRouterRow : ResourceRow
{
    public required IPAddress Address { get; set; }
    public IPAddress? Address6 { get; set; }
    public bool AdminDown { get; set; }
}

/// <summary>What is known of a vRouter's agent; written by the replica it is connected to.</summary>
public sealed class VirtualRouterStatusRow
{
    public Guid Uid { get; set; }
    public bool Connected { get; set; }

    /// <summary>The replica it dialled.</summary>
    public string? ControlNode { get; set; }
    public DateTimeOffset? LastSeenAt { get; set; }

    /// <summary>Away longer than LostAfterSeconds; set by the leading replica, cleared when the agent has answered.</summary>
    public bool Lost { get; set; }
    public long DesiredRevision { get; set; }
    public long AppliedRevision { get; set; }

    /// <summary>Everything the feed asked of it up to here is applied: how the other replicas know.</summary>
    public long AppliedPosition { get; set; }
    public string? AgentVersion { get; set; }

    /// <summary>What carries the overlay there, as the agent said when it last connected: userspace, kernel, or null for nothing.</summary>
    public string? OverlayEngine { get; set; }
    public string? Message { get; set; }
}

public sealed class BgpRouterRow : ResourceRow
{
    public required IPAddress Address { get; set; }

    /// <summary>Everything else the user asked for, without the key (JSON).</summary>
    public required string Spec { get; set; }

    /// <summary>TCP MD5 key (RFC 2385); write-only over the API.</summary>
    public string? AuthKey { get; set; }
}

public sealed class ServiceHealthCheckRow : NamespacedRow
{
    public required string Spec { get; set; }
}

/// <summary>A replica: its speaker and when it was last alive.</summary>
public sealed class ControlNodeRow
{
    public required string Name { get; set; }
    public DateTimeOffset LastSeenAt { get; set; }

    /// <summary>Seconds routers may hold its stale routes after it is gone (the largest graceful-restart time of its peers).</summary>
    public int RestartTimeSeconds { get; set; }

    /// <summary>BGP sessions as this replica sees them: {"vmx1": {state, since, families, …}} (JSON).</summary>
    public string Sessions { get; set; } = "{}";
}

/// <summary>
/// A FloatingIP that a replica announces or may announce. Written before the first route is handed to the speaker, removed after
/// the speaker has confirmed the last withdrawal: while a row exists the address is not free.
/// </summary>
public sealed class AnnouncementRow
{
    public required string ControlNode { get; set; }
    public Guid FloatingIPUid { get; set; }

    /// <summary>The routes in the speaker's table now, with the peers they were sent to (JSON).</summary>
    public string Routes { get; set; } = "[]";
}

/// <summary>Status of a Service or FloatingIP as last written by the leader; absent: as it was created.</summary>
public sealed class ServiceStatusRow
{
    public Guid Uid { get; set; }
    public required string Document { get; set; }
}

public sealed class FloatingIPStatusRow
{
    public Guid Uid { get; set; }
    public required string Document { get; set; }
}

/// <summary>
/// The change feed. Ordered by (<see cref="Xid"/>, <see cref="Id"/>) and read only below the oldest running transaction, so
/// that no reader skips a row that commits late.
/// </summary>
public sealed class ChangeRow
{
    public long Id { get; set; }

    /// <summary>pg_current_xact_id() of the writer.</summary>
    public ulong Xid { get; set; }
    public ResourceKind Kind { get; set; }
    public string? Namespace { get; set; }
    public required string Name { get; set; }
    public Guid Uid { get; set; }
    public ChangeVerb Verb { get; set; }

    /// <summary>Only the status moved: of interest to watchers, not to the reconciler.</summary>
    public bool StatusOnly { get; set; }

    /// <summary>The last representation of what was deleted (JSON); null otherwise.</summary>
    public string? Document { get; set; }
    public DateTimeOffset At { get; set; }
}

public enum ChangeVerb : short
{
    Added = 1,
    Modified = 2,
    Deleted = 3,
}

/// <summary>Values are stored; never renumber.</summary>
public enum ResourceKind : short
{
    Namespace = 1,
    ExternalNetwork = 2,
    ExternalNetworkSelector = 3,
    Service = 4,
    FloatingIP = 5,
    VirtualMachineInterface = 6,
    VirtualRouter = 7,
    BgpRouter = 8,
    ServiceHealthCheck = 9,

    /// <summary>
    /// Not a resource: the announcement rows of a control node changed. The change's name is the control node, its uid a FloatingIP;
    /// the empty uid stands for all rows of the control node.
    /// </summary>
    Announcements = 10,
}

/// <summary>What happened and why, for people (<c>GET /v1/events</c>).</summary>
public sealed class EventRow
{
    public long Id { get; set; }
    public ResourceKind Kind { get; set; }
    public string? Namespace { get; set; }
    public required string Name { get; set; }
    public DateTimeOffset At { get; set; }

    /// <summary>Normal or Warning.</summary>
    public required string Type { get; set; }
    public required string Reason { get; set; }
    public required string Message { get; set; }
}

/// <summary>An answer kept for 24 h so that a repeated POST gets it again.</summary>
public sealed class IdempotencyKeyRow
{
    public required string Key { get; set; }
    public required string Path { get; set; }
    public required byte[] BodyHash { get; set; }
    public int StatusCode { get; set; }
    public string? Location { get; set; }
    public string? ETag { get; set; }
    public required string Body { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
}
