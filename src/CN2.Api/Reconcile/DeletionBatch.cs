namespace CN2.Api.Reconcile;

/// <summary>Services and FloatingIPs (uids) whose rows may be removed.</summary>
internal sealed record DeletionBatch(IReadOnlyList<Guid> Services, IReadOnlyList<Guid> FloatingIPs)
{
    public int Count => Services.Count + FloatingIPs.Count;
}
