namespace CN2.Api.Reconcile;

/// <summary>Pending Services to try again, and networks whose Services may get an address of a second family (uids).</summary>
internal sealed record PendingBatch(IReadOnlyCollection<Guid> Services, IReadOnlyCollection<Guid> ChangedNetworks);
