using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Structures that all kinds share (the group meta/v1).</summary>
public static class MetaSchemas
{
    private const string Package = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    private static readonly Schema.Structure OwnerReference = Structure(Package + "OwnerReference", "An object that this one belongs to.",
        Text(5, "apiVersion", "The group and version of the owner.").Required(),
        Flag(7, "blockOwnerDeletion", "In a foreground deletion, the owner stays until this object is gone.").Nullable(),
        Flag(6, "controller", "The owner is the one that manages this object.").Nullable(),
        Text(1, "kind", "The kind of the owner.").Required(),
        Text(3, "name", "The name of the owner.").Required(),
        Text(4, "uid", "The unique identifier of the owner.").Required()).Atomic();

    private static readonly Schema.Structure ManagedFieldsEntry = Structure(Package + "ManagedFieldsEntry", "The fields that one writer has set.",
        Text(3, "apiVersion", "The version in which the fields are named."),
        Text(6, "fieldsType", "The format of the field set: FieldsV1."),
        Free(7, "fieldsV1", "The set of fields, as a tree of their names."),
        Text(1, "manager", "The name of the writer."),
        Text(2, "operation", "How it wrote them: Apply or Update."),
        Text(8, "subresource", "The subresource through which it wrote them."),
        Time(4, "time", "When the set last changed."));

    /// <summary>What is known of every object beside its own fields.</summary>
    public static Schema.Structure ObjectMeta { get; } = Structure(Package + "ObjectMeta", "Name, labels and what the server keeps about an object.",
        TextMap(12, "annotations", "Free text for people and tools; nothing selects by it."),
        Time(8, "creationTimestamp", "When the object was created; set by the server."),
        Long(10, "deletionGracePeriodSeconds", "How many seconds the object was given to end.").Nullable(),
        Time(9, "deletionTimestamp", "When the deletion was asked for; set by the server."),
        TextSet(14, "finalizers", "Who must still do something before the object is gone."),
        Text(2, "generateName", "The beginning of a name that the server completes."),
        Long(7, "generation", "Increases with every change of what was asked for; set by the server."),
        TextMap(11, "labels", "Key and value pairs that selectors select by."),
        List(17, "managedFields", ManagedFieldsEntry, "Which writer has set which fields; kept by the server."),
        Text(1, "name", "Unique in the namespace among objects of this kind."),
        Text(3, "namespace", "The namespace the object is in."),
        ListBy(13, "ownerReferences", OwnerReference, "The objects that this one belongs to.", "uid"),
        Text(6, "resourceVersion", "Changes with every write; a write that names another one is refused."),
        Text(4, "selfLink", "No longer used."),
        Text(5, "uid", "Unique for all time; set by the server."));

    /// <summary>What is known of a list as a whole.</summary>
    public static Schema.Structure ListMeta { get; } = Structure(Package + "ListMeta", "The state of a list as a whole.",
        Text(3, "continue", "The token with which the next part of the list is asked for."),
        Long(4, "remainingItemCount", "How many items follow.").Nullable(),
        Text(2, "resourceVersion", "The state of the server that the list shows; a watch may start from it."),
        Text(1, "selfLink", "No longer used."));

    internal static Schema.Structure FieldSelectorRequirement { get; } = Structure(Package + "FieldSelectorRequirement", "One condition on a field.",
        Text(1, "key", "The field, such as metadata.name.").Required(),
        Text(2, "operator", "How the field is compared with the values.", "In", "NotIn", "Exists", "DoesNotExist").Required(),
        Texts(3, "values", "The values to compare with; none for Exists and DoesNotExist."));

    internal static Schema.Structure LabelSelectorRequirement { get; } = Structure(Package + "LabelSelectorRequirement", "One condition on a label.",
        Text(1, "key", "The key of the label.").Required(),
        Text(2, "operator", "How the label is compared with the values.", "In", "NotIn", "Exists", "DoesNotExist").Required(),
        Texts(3, "values", "The values to compare with; none for Exists and DoesNotExist."));

    /// <summary>A choice of objects by their labels.</summary>
    public static Schema.Structure LabelSelector { get; } = Structure(Package + "LabelSelector", "A choice of objects by their labels; an empty one chooses all.",
        List(2, "matchExpressions", LabelSelectorRequirement, "Conditions that must all hold."),
        TextMap(1, "matchLabels", "Labels that must all be there with these values.")).Atomic();

    /// <summary>A statement about an object.</summary>
    public static Schema.Structure Condition { get; } = Structure(Package + "Condition", "A statement about an object.",
        Time(4, "lastTransitionTime", "When the status last changed.").Required(),
        Text(6, "message", "A sentence that says what the state is.").Required(),
        Long(3, "observedGeneration", "The generation of the object that the statement is about."),
        Text(5, "reason", "One word, for programs.").Required(),
        Text(2, "status", "Whether it holds.", "True", "False", "Unknown").Required(),
        Text(1, "type", "What the statement is about.").Required());

    private static readonly Schema.Structure Preconditions = Structure(Package + "Preconditions", "What must hold for a deletion to be carried out.",
        Text(2, "resourceVersion", "The object still has this resourceVersion."),
        Text(1, "uid", "The object still has this unique identifier."));

    /// <summary>The body of a DELETE.</summary>
    public static Schema.Structure DeleteOptions { get; } = Structure(Package + "DeleteOptions", "How an object is to be deleted.",
        Text(0, "apiVersion", "The group and version of the object's form."),
        Texts(5, "dryRun", "All: nothing is deleted, the answer is as if it were."),
        Long(1, "gracePeriodSeconds", "How many seconds the object is given to end; 0: none.").Nullable(),
        Flag(6, "ignoreStoreReadErrorWithClusterBreakingPotential", "Not used here.").Nullable(),
        Text(0, "kind", "The kind of the object."),
        Flag(3, "orphanDependents", "Older word for propagationPolicy Orphan.").Nullable(),
        Of(2, "preconditions", Preconditions, "What must hold, else the answer is 409."),
        Text(4, "propagationPolicy", "What becomes of the objects that belong to this one.", "Orphan", "Background", "Foreground"));

    private static readonly Schema.Structure StatusCause = Structure(Package + "StatusCause", "One thing that was wrong with a request.",
        Text(3, "field", "The field it is about, such as spec.ports[0].port."),
        Text(2, "message", "A sentence that says what is wrong."),
        Text(1, "reason", "One word, for programs."));

    private static readonly Schema.Structure StatusDetails = Structure(Package + "StatusDetails", "What a Status is about.",
        List(4, "causes", StatusCause, "Everything that was wrong."),
        Text(2, "group", "The group of the object."),
        Text(3, "kind", "The kind or resource of the object."),
        Text(1, "name", "The name of the object."),
        Number(5, "retryAfterSeconds", "How many seconds to wait before the next attempt."),
        Text(6, "uid", "The unique identifier of the object."));

    /// <summary>The answer to a request that was refused, or whose result is no object.</summary>
    public static Schema.Structure Status { get; } = Structure(Package + "Status", "The answer to a request that has no object to answer with.",
        Text(0, "apiVersion", "The group and version of the object's form."),
        Number(6, "code", "The HTTP status code."),
        Of(5, "details", StatusDetails, "What it is about."),
        Text(0, "kind", "The kind of the object."),
        Text(3, "message", "A sentence for people."),
        Of(1, "metadata", ListMeta, "Not used."),
        Text(4, "reason", "One word, for programs."),
        Text(2, "status", "Success or Failure."));
}
