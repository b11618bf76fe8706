namespace CN2.Api.Data.Rows;

/// <summary>What is kept of an object that was written through the Kubernetes API (docs/adr/0011-the-kubernetes-front.md).</summary>
/// <param name="Resource">Such as <c>services</c> or <c>subnets.core.contrail.juniper.net</c>.</param>
/// <param name="Uid">Of the object; that of its resource when it has one.</param>
/// <param name="Namespace">Empty: the kind is cluster-scoped.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Document">The object as it was last written, as JSON.</param>
/// <param name="IsAlone">There is no resource of <c>/v1</c>: the document is all there is.</param>
/// <param name="Generation">Of an object alone: increases with every change of its spec.</param>
/// <param name="CreatedAt">When the row was written first.</param>
/// <param name="DeletingAt">When its deletion was asked for; null: it was not, or the resource says so itself.</param>
/// <param name="ByOperator">Whoever wrote its spec, and whoever wrote the rest since, had the rights of an operator.</param>
/// <param name="WaitsFor">Of an object alone: why it could not become a resource since it was last written, a sentence for all who may read it; null: nobody has tried.</param>
public sealed record KubernetesObjectRow(
    string Resource, Guid Uid, string Namespace, string Name, string Document, bool IsAlone, long Generation, DateTimeOffset CreatedAt, DateTimeOffset? DeletingAt, bool ByOperator = false,
    string? WaitsFor = null)
{
    /// <summary>Null: the kind is cluster-scoped.</summary>
    public string? NamespaceOrNull => Namespace.Length > 0 ? Namespace : null;
}
