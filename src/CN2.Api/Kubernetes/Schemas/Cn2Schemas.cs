using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>What all kinds of <c>core.contrail.juniper.net</c> have in common (docs/facts/cn2.md, 1.1).</summary>
internal static class Cn2Schemas
{
    public const string Group = "core.contrail.juniper.net";
    public const string Version = "v1alpha1";

    /// <summary>Where their structures have their names.</summary>
    public const string Package = "net.juniper.contrail.core.v1alpha1.";

    /// <summary>Names another object; a finished one also says its fully qualified name.</summary>
    public static Schema.Structure Reference { get; } = Structure(Package + "ResourceReference", "Names another object.",
        Text(0, "apiVersion", "Its group and version."),
        Text(0, "fieldPath", "The part of it that is meant."),
        Texts(0, "fqName", "Its fully qualified name, part by part."),
        Text(0, "kind", "Its kind."),
        Text(0, "name", "Its name."),
        Text(0, "namespace", "Its namespace."),
        Text(0, "resourceVersion", "Its resourceVersion."),
        Text(0, "uid", "Its unique identifier.")).Atomic();

    public static Field FqName { get; } = Texts(0, "fqName", "The fully qualified name, part by part.");

    public static Field References(string name, string description) => List(0, name, Reference, description);

    public static Field RouteTargets(string name, string description) => Texts(0, name, description);

    /// <summary>A kind of this group with the status that all have.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="plural">As in paths.</param>
    /// <param name="shortName">What people type.</param>
    /// <param name="description">What it is.</param>
    /// <param name="spec">The members of its spec beside <c>fqName</c>.</param>
    /// <param name="status">The members of its status beside state, observation and conditions.</param>
    public static ResourceDefinition Kind(string kind, string plural, string shortName, string description, IReadOnlyList<Field> spec, params IReadOnlyList<Field> status) =>
        new(Group, Version, kind, plural, Define.Object(Package + kind, description,
            Of(0, "spec", Structure($"{Package}{kind}Spec", $"What is asked of a {kind}.", [.. spec, FqName]), "What is asked."),
            Of(0, "status", Status($"{Package}{kind}Status", $"The state of a {kind}.", status), "The state; set by the server.")))
        {
            ShortNames = [shortName],
        };

    public static Schema.Structure Status(string name, string description, IReadOnlyList<Field> fields) => Structure(name, description,
    [
        ListBy(0, "conditions", MetaSchemas.Condition, "What is known of the object.", "type"),
        Text(0, "observation", "A short text that explains a failure."),
        Text(0, "state", "Pending, Success, Failure or Deleting."),
        .. fields,
    ]);
}
