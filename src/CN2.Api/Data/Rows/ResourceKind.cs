namespace CN2.Api.Data.Rows;

/// <summary>The numbers are stored in the database: never change one.</summary>
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

    /// <summary>A control node has events, and no changes: it is no resource that users write.</summary>
    ControlNode = 11,

    /// <summary>
    /// Not a resource: an object of the Kubernetes API that lives alone changed (<see cref="KubernetesObjectRow.IsAlone"/>). The change's name is that of
    /// the object, with its resource before it: <c>pods/web-0</c>. Nobody but watches of the Kubernetes API needs its changes.
    /// </summary>
    KubernetesObject = 12,
}
