using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>The state of a pod, as a kubelet reports it.</summary>
internal static class PodStatusSchema
{
    private static readonly Schema.Structure Condition = Structure(Core + "PodCondition", "A statement about a pod.",
        Time(3, "lastProbeTime", "When it was last looked at."),
        Time(4, "lastTransitionTime", "When the status last changed."),
        Text(6, "message", "A sentence that says what the state is."),
        Long(7, "observedGeneration", "The generation of the pod that the statement is about."),
        Text(5, "reason", "One word, for programs."),
        Text(2, "status", "True, False or Unknown.").Required(),
        Text(1, "type", "What the statement is about.").Required());

    private static readonly Schema.Structure Terminated = Structure(Core + "ContainerStateTerminated", "A container that has ended.",
        Text(7, "containerID", "The identifier of the container."),
        Number(1, "exitCode", "Its exit code.").Required().Nullable(),
        Time(6, "finishedAt", "When it ended."),
        Text(4, "message", "Its last words."),
        Text(3, "reason", "One word, for programs."),
        Number(2, "signal", "The signal that ended it."),
        Time(5, "startedAt", "When it started."));

    private static readonly Schema.Structure State = Structure(Core + "ContainerState", "What a container does.",
        Of(2, "running", Structure(Core + "ContainerStateRunning", "A container that runs.", Time(1, "startedAt", "When it started.")), "It runs."),
        Of(3, "terminated", Terminated, "It has ended."),
        Of(1, "waiting", Structure(Core + "ContainerStateWaiting", "A container that does not run yet.",
            Text(2, "message", "A sentence that says why."),
            Text(1, "reason", "One word, for programs.")), "It does not run yet."));

    private static readonly Schema.Structure Container = Structure(Core + "ContainerStatus", "The state of a container.",
        Amounts(10, "allocatedResources", "What was set aside for it."),
        Of(14, "allocatedResourcesStatus", new Schema.List(new Schema.Free()), "The state of its devices."),
        Text(8, "containerID", "The identifier of the container."),
        Text(6, "image", "The image it runs.").Required(),
        Text(7, "imageID", "The identifier of the image.").Required(),
        Of(3, "lastState", State, "What it did before."),
        Text(1, "name", "The container.").Required(),
        Flag(4, "ready", "It answers.").Required().Nullable(),
        Of(11, "resources", ContainerSchemas.Resources, "What it uses."),
        Number(5, "restartCount", "How often it started anew.").Required().Nullable(),
        Flag(9, "started", "It has started.").Nullable(),
        Of(2, "state", State, "What it does."),
        Text(15, "stopSignal", "The signal that ends it."),
        Free(13, "user", "The user it runs as."),
        Of(12, "volumeMounts", new Schema.List(new Schema.Free()), "Its volumes."));

    public static Schema.Structure Status { get; } = Structure(Core + "PodStatus", "The state of a pod.",
        Amounts(19, "allocatedResources", "What was set aside for it."),
        ListBy(2, "conditions", Condition, "What is known of the pod.", "type"),
        List(8, "containerStatuses", Container, "The state of its containers."),
        List(13, "ephemeralContainerStatuses", Container, "The state of containers that were added."),
        Free(18, "extendedResourceClaimStatus", "The state of claims made for it."),
        Text(5, "hostIP", "The address of its node."),
        Of(16, "hostIPs", new Schema.List(Structure(Core + "HostIP", "An address of a node.", Text(1, "ip", "The address."))) { MergeKey = "ip" }, "The addresses of its node."),
        List(10, "initContainerStatuses", Container, "The state of the containers that run before the others."),
        Text(3, "message", "A sentence that says what the state is."),
        Of(21, "nodeAllocatableResourceClaimStatuses", new Schema.List(new Schema.Free()), "The state of claims on the node."),
        Text(11, "nominatedNodeName", "The node that is being cleared for it."),
        Long(17, "observedGeneration", "The generation of the pod that the state is about."),
        Text(1, "phase", "Pending, Running, Succeeded, Failed or Unknown."),
        Text(6, "podIP", "Its address, the first of podIPs."),
        ListBy(12, "podIPs", Structure(Core + "PodIP", "An address of a pod.", Text(1, "ip", "The address.").Required()), "Its addresses, one for each family.", "ip"),
        Text(9, "qosClass", "How safe it is when resources are short."),
        Text(4, "reason", "One word, for programs."),
        Text(14, "resize", "The state of a change of resources."),
        Of(15, "resourceClaimStatuses", new Schema.List(new Schema.Free()), "The state of its claims."),
        Of(20, "resources", ContainerSchemas.Resources, "What all its containers use."),
        Time(7, "startTime", "When its node took it."),
        Of(22, "volumeHealth", new Schema.List(new Schema.Free()), "The state of its volumes."));
}
