namespace CN2.Api.Kubernetes.Objects;

/// <summary>A kind whose creates may share a transaction (<see cref="Writes.GroupCommit{TItem}"/>).</summary>
internal interface IGroupedBinding : IObjectBinding
{
    /// <summary>Creates the object and writes its row of <c>kubernetes_object</c>, in a transaction that others may share; its outcome names that transaction.</summary>
    Task<ObjectOutcome> CreateGroupedAsync(ObjectDraft draft, CancellationToken ct);
}
