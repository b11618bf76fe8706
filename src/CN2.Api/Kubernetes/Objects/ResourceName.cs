using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Objects;

internal static class ResourceName
{
    /// <summary><c>services</c>, or <c>subnets.core.contrail.juniper.net</c>: a resource among all groups, whatever its version.</summary>
    public static string QualifiedName(this ResourceDefinition definition) =>
        definition.Group.Length == 0 ? definition.Plural : $"{definition.Plural}.{definition.Group}";
}
