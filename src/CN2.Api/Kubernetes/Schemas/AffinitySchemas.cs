using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Where a pod may run. A scheduler reads it; nothing here does.</summary>
internal static class AffinitySchemas
{
    private const string Hard = "requiredDuringSchedulingIgnoredDuringExecution";
    private const string Soft = "preferredDuringSchedulingIgnoredDuringExecution";

    private static readonly Schema.Structure NodeRequirement = Structure(Core + "NodeSelectorRequirement", "One condition on a node.",
        Text(1, "key", "The key of the label or field.").Required(),
        Text(2, "operator", "How it is compared with the values.", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt").Required(),
        Texts(3, "values", "The values to compare with."));

    private static readonly Schema.Structure NodeTerm = Structure(Core + "NodeSelectorTerm", "Conditions on a node that must all hold.",
        List(1, "matchExpressions", NodeRequirement, "Conditions on labels."),
        List(2, "matchFields", NodeRequirement, "Conditions on fields.")).Atomic();

    private static readonly Schema.Structure NodeSelector = Structure(Core + "NodeSelector", "A choice of nodes.",
        List(1, "nodeSelectorTerms", NodeTerm, "Terms of which one must hold.").Required()).Atomic();

    private static readonly Schema.Structure PreferredNode = Structure(Core + "PreferredSchedulingTerm", "A preference for nodes.",
        Of(2, "preference", NodeTerm, "The nodes.").Required(),
        Number(1, "weight", "How much it counts, 1 to 100.").Required());

    private static readonly Schema.Structure PodTerm = Structure(Core + "PodAffinityTerm", "A choice of pods to be near to, or away from.",
        Of(1, "labelSelector", MetaSchemas.LabelSelector, "The pods."),
        Texts(5, "matchLabelKeys", "Labels in which the pods must be like this one."),
        Texts(6, "mismatchLabelKeys", "Labels in which the pods must be unlike this one."),
        Of(4, "namespaceSelector", MetaSchemas.LabelSelector, "The namespaces of the pods."),
        Texts(2, "namespaces", "The namespaces of the pods, by name."),
        Text(3, "topologyKey", "The label of nodes that says what is near.").Required());

    private static readonly Schema.Structure WeightedPod = Structure(Core + "WeightedPodAffinityTerm", "A preference for pods.",
        Of(2, "podAffinityTerm", PodTerm, "The pods.").Required(),
        Number(1, "weight", "How much it counts, 1 to 100.").Required());

    public static Schema.Structure Affinity { get; } = Structure(Core + "Affinity", "Where a pod may run.",
        Of(1, "nodeAffinity", Structure(Core + "NodeAffinity", "Which nodes the pod wants.",
            List(2, Soft, PreferredNode, "Preferences."),
            Of(1, Hard, NodeSelector, "What must hold.")), "Which nodes the pod wants."),
        Of(2, "podAffinity", Near("PodAffinity"), "Which pods it wants to be near to."),
        Of(3, "podAntiAffinity", Near("PodAntiAffinity"), "Which pods it wants to be away from."));

    public static Schema.Structure Toleration { get; } = Structure(Core + "Toleration", "A taint of nodes that the pod bears.",
        Text(4, "effect", "The effect of the taint; all when absent.", "NoSchedule", "PreferNoSchedule", "NoExecute"),
        Text(1, "key", "The key of the taint; all when absent."),
        Text(2, "operator", "How the key is compared with the value."),
        Long(5, "tolerationSeconds", "How many seconds it bears NoExecute.").Nullable(),
        Text(3, "value", "The value of the taint."));

    public static Schema.Structure Spread { get; } = Structure(Core + "TopologySpreadConstraint", "How evenly pods are spread.",
        Of(4, "labelSelector", MetaSchemas.LabelSelector, "The pods that are counted."),
        Texts(8, "matchLabelKeys", "Labels in which counted pods must be like this one."),
        Number(1, "maxSkew", "How large the difference may be.").Required(),
        Number(5, "minDomains", "How many domains there must be.").Nullable(),
        Text(6, "nodeAffinityPolicy", "Whether node affinity limits what is counted.", "Honor", "Ignore"),
        Text(7, "nodeTaintsPolicy", "Whether taints limit what is counted.", "Honor", "Ignore"),
        Text(2, "topologyKey", "The label of nodes that makes a domain.").Required(),
        Text(3, "whenUnsatisfiable", "What happens to a pod that cannot be placed so.", "DoNotSchedule", "ScheduleAnyway").Required());

    private static Schema.Structure Near(string name) => Structure(Core + name, "Which pods count.",
        List(2, Soft, WeightedPod, "Preferences."),
        List(1, Hard, PodTerm, "What must hold."));
}
