using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>SelfSubjectRulesReview: what may the caller do (<c>kubectl auth can-i --list</c>)?</summary>
public static class RulesReviewSchema
{
    private const string Package = "io.k8s.api.authorization.v1.";

    private static readonly Schema.Structure Spec = Structure(Package + "SelfSubjectRulesReviewSpec", "The question.",
        Text(1, "namespace", "The namespace that is asked about."));

    private static readonly Schema.Structure ResourceRule = Structure(Package + "ResourceRule", "What may be done with resources.",
        Texts(2, "apiGroups", "The groups of the resources; * means all."),
        Texts(4, "resourceNames", "The names of the objects; all when absent."),
        Texts(3, "resources", "The resources, in the plural."),
        Texts(1, "verbs", "What may be done, such as get or create.").Required());

    private static readonly Schema.Structure PathRule = Structure(Package + "NonResourceRule", "What may be done with paths.",
        Texts(2, "nonResourceURLs", "The paths; a * at the end stands for all below."),
        Texts(1, "verbs", "The methods, in small letters.").Required());

    private static readonly Schema.Structure Status = Structure(Package + "SubjectRulesReviewStatus", "The answer.",
        Text(4, "evaluationError", "What went wrong while the answer was looked for."),
        Flag(3, "incomplete", "There may be more than the answer says.").Required(),
        List(2, "nonResourceRules", PathRule, "What may be done with paths.").Required(),
        List(1, "resourceRules", ResourceRule, "What may be done with resources.").Required());

    public static ResourceDefinition Definition { get; } = new("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
        Object(Package + "SelfSubjectRulesReview", "Asks what the caller may do in a namespace.",
            Of(2, "spec", Spec, "The question.").Required(),
            Of(3, "status", Status, "The answer; set by the server.")))
    {
        IsNamespaced = false,
        IsNative = true,
        Verbs = ["create"],
    };
}
