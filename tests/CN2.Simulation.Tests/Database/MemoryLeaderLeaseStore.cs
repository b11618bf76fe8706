using CN2.Api.Data;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryLeaderLeaseStore(DatabaseLink link, string self) : ILeaderLeaseStore
{
    public Task<(LeaderLease Lease, DateTimeOffset Now)?> TakeAsync(Guid run, LeaderLeaseState? abandoned, bool isStart, CancellationToken ct) =>
        link.CallAsync<(LeaderLease, DateTimeOffset)?>(db =>
        {
            var held = db.Lease;
            var isFree = held is null || !IsCurrent(held, db.Now) || (abandoned is { } left && left.Fence == held.Fence && left.RenewedAt == held.RenewedAt)
                || (isStart && held.ControlNode == self) || held.Run == run;
            if (!isFree) return null;
            db.Lease = new LeaseRow(self, run, (held?.Fence ?? 0) + 1, db.Now, db.Now + LeaderLeaseStore.Duration);
            return (new LeaderLease(run, db.Lease.Fence), db.Now);
        }, ct);

    public Task<DateTimeOffset?> RenewAsync(LeaderLease lease, CancellationToken ct) => link.CallAsync<DateTimeOffset?>(db =>
    {
        if (db.Lease is not { } held || held.Run != lease.Run || held.Fence != lease.Fence) return null;
        db.Lease = held with { RenewedAt = db.Now, ExpiresAt = db.Now + LeaderLeaseStore.Duration };
        return db.Now;
    }, ct);

    public Task<(LeaderLeaseState? State, DateTimeOffset Now)> ReadAsync(CancellationToken ct) => link.CallAsync(db =>
        (db.Lease is { } held ? new LeaderLeaseState(held.Fence, held.RenewedAt) : (LeaderLeaseState?)null, db.Now), ct);

    public Task ReleaseAsync(LeaderLease lease, CancellationToken ct) => link.CallAsync(db =>
    {
        if (db.Lease is { } held && held.Run == lease.Run && held.Fence == lease.Fence) db.Lease = held with { ExpiresAt = held.RenewedAt - TimeSpan.FromSeconds(1) };
        return true;
    }, ct);

    public static bool IsCurrent(LeaseRow lease, DateTimeOffset now) => now >= lease.RenewedAt && now <= lease.ExpiresAt;
}
