using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Node of the core group: a VirtualRouter.</summary>
public static class NodeSchema
{
    private static readonly Schema.Structure Taint = Structure(ReferenceSchemas.Core + "Taint", "Keeps pods away that do not tolerate it.",
        Text(3, "effect", "What happens to such pods.", "NoSchedule", "PreferNoSchedule", "NoExecute").Required(),
        Text(1, "key", "The key of the taint.").Required(),
        Time(4, "timeAdded", "When it was added."),
        Text(2, "value", "The value of the taint."));

    private static readonly Schema.Structure Spec = Structure(ReferenceSchemas.Core + "NodeSpec", "What is asked of a node.",
        Free(6, "configSource", "No longer used."),
        Text(2, "externalID", "No longer used."),
        Text(1, "podCIDR", "The prefix of the node's pods, the first of podCIDRs."),
        TextSet(7, "podCIDRs", "The prefixes of the node's pods, one for each family."),
        Text(3, "providerID", "The identifier of the machine."),
        List(5, "taints", Taint, "What keeps pods away."),
        Flag(4, "unschedulable", "No new pods are placed here."));

    private static readonly Schema.Structure Condition = Structure(ReferenceSchemas.Core + "NodeCondition", "A statement about a node.",
        Time(3, "lastHeartbeatTime", "When the statement was last confirmed."),
        Time(4, "lastTransitionTime", "When the status last changed."),
        Text(6, "message", "A sentence that says what the state is."),
        Text(5, "reason", "One word, for programs."),
        Text(2, "status", "True, False or Unknown.").Required(),
        Text(1, "type", "What the statement is about.").Required());

    private static readonly Schema.Structure Address = Structure(ReferenceSchemas.Core + "NodeAddress", "An address of a node.",
        Text(2, "address", "The address or name.").Required(),
        Text(1, "type", "InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS.").Required());

    private static readonly Schema.Structure Daemon = Structure(ReferenceSchemas.Core + "DaemonEndpoint", "Where a program of the node listens.",
        Number(1, "Port", "The port.").Required());

    private static readonly Schema.Structure Daemons = Structure(ReferenceSchemas.Core + "NodeDaemonEndpoints", "Where the programs of the node listen.",
        Of(1, "kubeletEndpoint", Daemon, "Where the kubelet listens."));

    private static readonly Schema.Structure Info = Structure(ReferenceSchemas.Core + "NodeSystemInfo", "What runs on a node.",
        Text(10, "architecture", "The architecture of its processor.").Required(),
        Text(3, "bootID", "The identifier of this start of the machine.").Required(),
        Text(6, "containerRuntimeVersion", "The program that runs containers.").Required(),
        Text(4, "kernelVersion", "The kernel.").Required(),
        Text(8, "kubeProxyVersion", "No longer used.").Required(),
        Text(7, "kubeletVersion", "The version of the agent.").Required(),
        Text(1, "machineID", "The identifier of the machine.").Required(),
        Text(9, "operatingSystem", "The operating system.").Required(),
        Text(5, "osImage", "The operating system, as it calls itself.").Required(),
        Free(11, "swap", "The swap space."),
        Text(2, "systemUUID", "The identifier that the firmware gives.").Required());

    private static readonly Schema.Structure Image = Structure(ReferenceSchemas.Core + "ContainerImage", "An image on a node.",
        Texts(1, "names", "Its names."),
        Long(2, "sizeBytes", "Its size in bytes."));

    private static readonly Schema.Structure Status = Structure(ReferenceSchemas.Core + "NodeStatus", "The state of a node.",
        ListBy(5, "addresses", Address, "Its addresses.", "type"),
        Amounts(2, "allocatable", "What pods may use."),
        Amounts(1, "capacity", "What there is."),
        ListBy(4, "conditions", Condition, "What is known of the node.", "type"),
        Free(11, "config", "No longer used."),
        Of(6, "daemonEndpoints", Daemons, "Where its programs listen."),
        Texts(14, "declaredFeatures", "What the node says it can do."),
        Free(13, "features", "What the container runtime can do."),
        List(8, "images", Image, "The images on the node."),
        Of(7, "nodeInfo", Info, "What runs on the node."),
        Text(3, "phase", "No longer used."),
        Of(12, "runtimeHandlers", new Schema.List(new Schema.Free()), "The container runtimes."),
        Of(10, "volumesAttached", new Schema.List(new Schema.Free()), "The volumes attached to the node."),
        Texts(9, "volumesInUse", "The volumes in use on the node."));

    public static ResourceDefinition Definition { get; } = new("", "v1", "Node", "nodes",
        Object(ReferenceSchemas.Core + "Node", "A machine that runs pods and carries routes to them.",
            Of(2, "spec", Spec, "What is asked of the node."),
            Of(3, "status", Status, "The state of the node; set by the server.")))
    {
        IsNamespaced = false,
        IsNative = true,
        ShortNames = ["no"],
    };
}
