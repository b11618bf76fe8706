using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>SelfSubjectAccessReview: may the caller do this (<c>kubectl auth can-i</c>)?</summary>
public static class AccessReviewSchema
{
    private const string Package = "io.k8s.api.authorization.v1.";

    private static readonly Schema.Structure FieldSelector =
        Selector("FieldSelectorAttributes", "Limits the question to objects with certain fields.", MetaSchemas.FieldSelectorRequirement);

    private static readonly Schema.Structure LabelSelector =
        Selector("LabelSelectorAttributes", "Limits the question to objects with certain labels.", MetaSchemas.LabelSelectorRequirement);

    private static readonly Schema.Structure Resource = Structure(Package + "ResourceAttributes", "A request for a resource.",
        Of(8, "fieldSelector", FieldSelector, "The field selector of the request."),
        Text(3, "group", "The group of the resource; * means all."),
        Of(9, "labelSelector", LabelSelector, "The label selector of the request."),
        Text(7, "name", "The name of the object; empty means all."),
        Text(1, "namespace", "The namespace; empty means all, or none for a kind without."),
        Text(5, "resource", "The resource, in the plural; * means all."),
        Text(6, "subresource", "The subresource."),
        Text(2, "verb", "What is to be done, such as get or create; * means all."),
        Text(4, "version", "The version of the resource; * means all."));

    private static readonly Schema.Structure NonResource = Structure(Package + "NonResourceAttributes", "A request for a path.",
        Text(1, "path", "The path."),
        Text(2, "verb", "The method, in lower case."));

    private static readonly Schema.Structure Spec = Structure(Package + "SelfSubjectAccessReviewSpec", "The question.",
        Of(2, "nonResourceAttributes", NonResource, "A request for a path."),
        Of(1, "resourceAttributes", Resource, "A request for a resource."));

    private static readonly Schema.Structure Status = Structure(Package + "SubjectAccessReviewStatus", "The answer.",
        Flag(1, "allowed", "The caller may do it.").Required(),
        Flag(4, "denied", "The caller may not, whatever else says yes."),
        Text(3, "evaluationError", "What went wrong while the answer was looked for."),
        Text(2, "reason", "Why."));

    public static ResourceDefinition Definition { get; } = new("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
        Object(Package + "SelfSubjectAccessReview", "Asks whether the caller may do something.",
            Of(2, "spec", Spec, "The question.").Required(),
            Of(3, "status", Status, "The answer; set by the server.")))
    {
        IsNamespaced = false,
        IsNative = true,
        Verbs = ["create"],
    };

    private static Schema.Structure Selector(string name, string description, Schema.Structure requirement) => Structure(Package + name, description,
        Text(1, "rawSelector", "The selector as it would stand in the request."),
        List(2, "requirements", requirement, "The conditions of the selector, taken apart."));
}
