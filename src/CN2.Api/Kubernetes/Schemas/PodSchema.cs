using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Pod and Binding of the core group. A Pod is an endpoint, a VirtualMachineInterface in /v1.</summary>
public static class PodSchema
{
    private static readonly Schema.Structure HostAlias = Structure(Core + "HostAlias", "A line of /etc/hosts.",
        Texts(2, "hostnames", "The names."),
        Text(1, "ip", "The address.").Required());

    private static readonly Schema.Structure Dns = Structure(Core + "PodDNSConfig", "How the pod resolves names.",
        Texts(1, "nameservers", "Addresses of name servers."),
        List(3, "options", Structure(Core + "PodDNSConfigOption", "An option of the resolver.", Text(1, "name", "Its name."), Text(2, "value", "Its value.")), "Options of the resolver."),
        Texts(2, "searches", "Domains that names are looked for in."));

    private static readonly Schema.Structure Claim = Structure(Core + "PodResourceClaim", "A claim that a pod uses.",
        Text(1, "name", "What containers call it.").Required(),
        Text(3, "resourceClaimName", "The claim."),
        Text(4, "resourceClaimTemplateName", "The template the claim is made from."));

    private static readonly Schema.Structure Spec = Structure(Core + "PodSpec", "What is asked of a pod.",
        Long(5, "activeDeadlineSeconds", "How many seconds the pod may run.").Nullable(),
        Of(18, "affinity", AffinitySchemas.Affinity, "Where the pod may run."),
        Flag(21, "automountServiceAccountToken", "Whether the token of the service account is mounted.").Nullable(),
        ListBy(2, "containers", ContainerSchemas.Container, "Its containers.", "name").Required(),
        Of(26, "dnsConfig", Dns, "How the pod resolves names."),
        Text(6, "dnsPolicy", "Where the name servers come from.", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None").DefaultsTo("\"ClusterFirst\""),
        Flag(30, "enableServiceLinks", "Whether Services stand in its environment.").Nullable().DefaultsTo("true"),
        ListBy(34, "ephemeralContainers", ContainerSchemas.Ephemeral, "Containers that were added to the running pod.", "name"),
        Of(44, "evictionResponders", new Schema.List(new Schema.Free()), "Who is asked before an eviction."),
        ListBy(23, "hostAliases", HostAlias, "Lines of /etc/hosts.", "ip"),
        Flag(13, "hostIPC", "It shares the node's interprocess communication."),
        Flag(11, "hostNetwork", "It shares the node's network."),
        Flag(12, "hostPID", "It sees the node's processes."),
        Flag(37, "hostUsers", "It shares the node's users.").Nullable(),
        Text(16, "hostname", "Its host name."),
        Text(41, "hostnameOverride", "Its host name, whatever else says so."),
        ListBy(15, "imagePullSecrets", Local, "Secrets for the registry.", "name"),
        ListBy(20, "initContainers", ContainerSchemas.Container, "Containers that run before the others.", "name"),
        Text(10, "nodeName", "The node it is bound to."),
        TextMap(7, "nodeSelector", "Labels of the nodes it may run on.", isAtomic: true),
        Of(36, "os", Structure(Core + "PodOS", "An operating system.", Text(1, "name", "linux or windows.").Required()), "The operating system of its containers."),
        Amounts(32, "overhead", "What the pod itself uses."),
        Text(31, "preemptionPolicy", "Whether it may displace others.", "Never", "PreemptLowerPriority"),
        Number(25, "priority", "How important it is.").Nullable(),
        Text(24, "priorityClassName", "The class of its priority."),
        List(28, "readinessGates", Structure(Core + "PodReadinessGate", "A condition that must hold.", Text(1, "conditionType", "The condition.").Required()), "Conditions that must hold before it is ready."),
        ListBy(39, "resourceClaims", Claim, "Claims it uses.", "name").Retaining(),
        Of(40, "resources", ContainerSchemas.Resources, "How much of the node's resources all containers use."),
        Text(3, "restartPolicy", "When ended containers start anew.", "Always", "OnFailure", "Never").DefaultsTo("\"Always\""),
        Text(29, "runtimeClassName", "The container runtime."),
        Text(19, "schedulerName", "Who places it.").DefaultsTo("\"default-scheduler\""),
        Free(43, "schedulingGroup", "The group it is placed with."),
        ListBy(38, "schedulingGates", Structure(Core + "PodSchedulingGate", "A reason to wait.", Text(1, "name", "Its name.").Required()), "It is not placed while there are any.", "name"),
        Of(14, "securityContext", SecuritySchemas.Pod, "Rights of all its containers.").DefaultsTo("{}"),
        Text(9, "serviceAccount", "Older word for serviceAccountName."),
        Text(8, "serviceAccountName", "The service account."),
        Flag(35, "setHostnameAsFQDN", "Its host name is the full one.").Nullable(),
        Flag(27, "shareProcessNamespace", "Its containers see each other's processes.").Nullable(),
        Text(17, "subdomain", "The domain of its host name."),
        Long(4, "terminationGracePeriodSeconds", "How many seconds it is given to end.").Nullable().DefaultsTo("30"),
        List(22, "tolerations", AffinitySchemas.Toleration, "Taints of nodes that it bears."),
        ListBy(33, "topologySpreadConstraints", AffinitySchemas.Spread, "How evenly such pods are spread.", "topologyKey", "whenUnsatisfiable"),
        ListBy(1, "volumes", VolumeSchemas.Volume, "Its volumes.", "name").Retaining());

    public static ResourceDefinition Definition { get; } = new("", "v1", "Pod", "pods",
        Define.Object(Core + "Pod", "Containers with one address: an endpoint of Services.",
            Of(2, "spec", Spec, "What is asked of the pod."),
            Of(3, "status", PodStatusSchema.Status, "The state of the pod; reported by who runs it.")))
    {
        IsNative = true,
        ShortNames = ["po"],
        Categories = ["all"],
        Subresources = [new("binding", "Binding", "create"), new("status", "Pod", "get", "patch", "update")],
    };

    /// <summary>The body of a POST to <c>pods/binding</c>; no resource of its own.</summary>
    public static Schema.Structure Binding { get; } = Define.Object(Core + "Binding", "Binds a pod to a node.",
        Of(2, "target", ReferenceSchemas.Object, "The node.").Required());
}
