using CN2.Api.Data;
using CN2.Api.Reconcile;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemorySessionTurnStore(DatabaseLink link, string self) : ISessionTurnStore
{
    public Task<bool> TakeAsync(string routerAddress, CancellationToken ct) => link.CallAsync(db =>
    {
        if (db.SessionTurns.TryGetValue(routerAddress, out var turn) && turn.ControlNode != self && db.Now >= turn.TakenAt && db.Now <= turn.TakenAt + SessionTurnStore.Duration) return false;
        var names = db.Peers.Values.Where(p => p.Address.ToString() == routerAddress).Select(p => p.Name).ToHashSet();
        if (db.ControlNodes.Any(n => n.Key != self && n.Value.IsAlive(db.Now, ControlNodeLiveness.GoneAfter) && SessionDocument.Read(n.Value.Sessions).Any(s => names.Contains(s.Peer) && !s.IsEstablished))) return false;
        db.SessionTurns[routerAddress] = (self, db.Now);
        return true;
    }, ct);

    public Task GiveBackAsync(string routerAddress, CancellationToken ct) => link.CallAsync(db =>
    {
        if (db.SessionTurns.TryGetValue(routerAddress, out var turn) && turn.ControlNode == self) db.SessionTurns.Remove(routerAddress);
        return true;
    }, ct);

    public Task<OwedSessions> OwedAsync(CancellationToken ct) => link.CallAsync(
        db => new OwedSessions(db.OwedSessions.GetValueOrDefault(self) ?? [], db.ControlNodes.TryGetValue(self, out var row) && (row.RowsLost || db.MustRenew)), ct);

    public Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows, CancellationToken ct)
    {
        string[] owed = [.. routerAddresses];
        return link.CallAsync(db =>
        {
            db.OwedSessions[self] = owed;
            if (coversLostRows && db.ControlNodes.TryGetValue(self, out var row)) db.ControlNodes[self] = row with { RowsLost = false };
            return true;
        }, ct);
    }
}
