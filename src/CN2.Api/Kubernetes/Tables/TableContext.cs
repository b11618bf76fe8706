namespace CN2.Api.Kubernetes.Tables;

/// <summary>What cells depend on beside the object.</summary>
/// <param name="Now">Ages are counted to it.</param>
/// <param name="ClusterName">The setting <c>Cluster__Name</c>.</param>
internal sealed record TableContext(DateTimeOffset Now, string ClusterName)
{
    /// <summary>Stands for the age of an object in a row that is kept.</summary>
    public const string AgeMark = "\u0001";

    /// <summary>The cell of the age is <see cref="AgeMark"/>, to be filled in whenever the row is sent.</summary>
    public bool HasAgeMark { get; init; }
}
