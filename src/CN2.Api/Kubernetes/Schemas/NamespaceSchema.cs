using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Namespace of the core group.</summary>
public static class NamespaceSchema
{
    private static readonly Schema.Structure Condition = Structure(ReferenceSchemas.Core + "NamespaceCondition", "A statement about a namespace.",
        Time(4, "lastTransitionTime", "When the status last changed."),
        Text(6, "message", "A sentence that says what the state is."),
        Text(5, "reason", "One word, for programs."),
        Text(2, "status", "True, False or Unknown.").Required(),
        Text(1, "type", "What the statement is about.").Required());

    private static readonly Schema.Structure Spec = Structure(ReferenceSchemas.Core + "NamespaceSpec", "What is asked of a namespace.",
        Texts(1, "finalizers", "Who must still do something before the namespace is gone."));

    private static readonly Schema.Structure Status = Structure(ReferenceSchemas.Core + "NamespaceStatus", "The state of a namespace.",
        ListBy(2, "conditions", Condition, "What is known of the namespace.", "type"),
        Text(1, "phase", "Active, or Terminating while its content is being deleted."));

    public static ResourceDefinition Definition { get; } = new("", "v1", "Namespace", "namespaces",
        Object(ReferenceSchemas.Core + "Namespace", "A scope for names, in which users have rights.",
            Of(2, "spec", Spec, "What is asked of the namespace."),
            Of(3, "status", Status, "The state of the namespace; set by the server.")))
    {
        IsNamespaced = false,
        IsNative = true,
        ShortNames = ["ns"],
        Verbs = ["create", "delete", "get", "list", "patch", "update", "watch"],
    };
}
