namespace CN2.Api.Data;

/// <summary>The row that says which replica leads (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface ILeaderLeaseStore
{
    Task<(LeaderLease Lease, DateTimeOffset Now)?> TakeAsync(Guid run, LeaderLeaseState? abandoned, bool isStart, CancellationToken ct);

    Task<DateTimeOffset?> RenewAsync(LeaderLease lease, CancellationToken ct);

    Task<(LeaderLeaseState? State, DateTimeOffset Now)> ReadAsync(CancellationToken ct);

    Task ReleaseAsync(LeaderLease lease, CancellationToken ct);
}
