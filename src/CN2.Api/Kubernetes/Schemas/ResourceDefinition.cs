namespace CN2.Api.Kubernetes.Schemas;

/// <summary>A resource of the Kubernetes API: what discovery, the OpenAPI documents and the paths say of it.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Version">Such as <c>v1</c>.</param>
/// <param name="Kind">Such as <c>Service</c>.</param>
/// <param name="Plural">As in paths, such as <c>services</c>.</param>
/// <param name="Schema">The whole object, with apiVersion, kind and metadata.</param>
public sealed record ResourceDefinition(string Group, string Version, string Kind, string Plural, Schema.Structure Schema)
{
    /// <summary>The word for one of them, which kubectl accepts like the plural.</summary>
    public string Singular { get; init; } = Kind.ToLowerInvariant();

    public bool IsNamespaced { get; init; } = true;

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    /// <summary>Such as <c>all</c>.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>What can be done with it: get, list, watch, create, update, patch, delete, deletecollection.</summary>
    public IReadOnlyList<string> Verbs { get; init; } = All;

    public IReadOnlyList<Subresource> Subresources { get; init; } = [];

    /// <summary>Clients may send protobuf and strategic merge patches; false: a custom resource, for which both answer 415.</summary>
    public bool IsNative { get; init; }

    /// <summary><c>group/version</c>, or <c>v1</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary><c>services</c>, or <c>subnets.core.contrail.juniper.net</c>: a resource among all groups, whatever its version.</summary>
    public string QualifiedName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    public static readonly IReadOnlyList<string> All = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public static readonly IReadOnlyList<string> ReadOnly = ["get", "list", "watch"];
}
