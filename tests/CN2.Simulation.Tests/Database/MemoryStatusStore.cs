using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryStatusStore(DatabaseLink link) : IStatusStore
{
    public Task<Dictionary<Guid, string>> ReadAsync(ResourceKind kind, IReadOnlyCollection<Guid> uids, CancellationToken ct) =>
        link.CallAsync(db => uids.Where(u => db.Statuses.ContainsKey(u) && IdOf(db, kind, u) is not null).ToDictionary(u => u, u => db.Statuses[u]), ct);

    public Task<bool> WriteAsync(
        LeaderLease lease, ResourceKind kind, IReadOnlyCollection<KeyValuePair<Guid, string>> documents, IReadOnlyCollection<StatusEvent> events, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes =>
        {
            if (!db.IsHeld(lease)) return false;
            foreach (var (uid, document) in documents)
            {
                if (IdOf(db, kind, uid) is not { } name) continue;
                db.Statuses[uid] = document;
                changes.Add(kind, name.Namespace, name.Name, uid, ChangeVerb.Modified, statusOnly: true);
            }

            return true;
        }), ct);

    private static NamespacedName? IdOf(MemoryDatabase db, ResourceKind kind, Guid uid) =>
        kind == ResourceKind.Service ? db.Services.GetValueOrDefault(uid)?.Id : db.FloatingIPs.GetValueOrDefault(uid)?.Id;
}
