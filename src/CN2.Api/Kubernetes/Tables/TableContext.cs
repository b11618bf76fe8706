namespace CN2.Api.Kubernetes.Tables;

/// <summary>What cells depend on beside the object.</summary>
/// <param name="Now">Ages are counted to it.</param>
/// <param name="ClusterName">The setting <c>Cluster__Name</c>.</param>
internal sealed record TableContext(DateTimeOffset Now, string ClusterName);
