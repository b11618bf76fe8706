using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>How native kinds refer to other objects.</summary>
internal static class ReferenceSchemas
{
    /// <summary>Where the structures of the core group have their names.</summary>
    public const string Core = "io.k8s.api.core.v1.";

    public static Schema.Structure Object { get; } = Structure(Core + "ObjectReference", "Names an object of any kind.",
        Text(5, "apiVersion", "Its group and version."),
        Text(7, "fieldPath", "The part of it that is meant."),
        Text(1, "kind", "Its kind."),
        Text(3, "name", "Its name."),
        Text(2, "namespace", "Its namespace."),
        Text(6, "resourceVersion", "Its resourceVersion."),
        Text(4, "uid", "Its unique identifier.")).Atomic();

    /// <summary>The one member of a LocalObjectReference, which other structures embed.</summary>
    public static Field Name { get; } = Text(1, "name", "The name of the object in the same namespace.").DefaultsTo("\"\"");

    public static Schema.Structure Local { get; } = Structure(Core + "LocalObjectReference", "Names an object of the same namespace.", Name).Atomic();
}
