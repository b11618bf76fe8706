using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryControlNodeStore(DatabaseLink link) : IControlNodeStore
{
    private static readonly TimeSpan ShownAfter = TimeSpan.FromDays(1);

    public Task<(bool Others, bool Unknown)> BeatAsync(ControlNodeBeat beat, string? sessions, IReadOnlyCollection<string> changedRouters, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes =>
        {
            var known = db.ControlNodes.GetValueOrDefault(beat.Name);
            db.ControlNodes[beat.Name] = new ControlNodeRow(db.Now, beat.RestartTimeSeconds, sessions ?? known?.Sessions ?? "{}", beat.EngineBound, beat.TakesAgents, RowsRestored: known?.RowsRestored ?? true, RowsLost: known?.RowsLost ?? db.MayLackRows);
            foreach (var router in changedRouters)
                if (db.Peers.ContainsKey(router)) changes.Add(ResourceKind.BgpRouter, null, router, Guid.Empty, ChangeVerb.Modified, statusOnly: true);
            return (db.ControlNodes.Any(n => n.Key != beat.Name && n.Value.IsAlive(db.Now, ControlNodeLiveness.GoneAfter)), db.ControlNodes[beat.Name].RowsRestored);
        }), ct);

    public Task<IReadOnlyList<(string ControlNode, string Sessions, bool IsAlive, bool TakesAgents)>> SessionsAsync(CancellationToken ct) => link.CallAsync(db =>
        (IReadOnlyList<(string, string, bool, bool)>)[.. db.ControlNodes.Select(n => (n.Key, n.Value.Sessions, n.Value.IsAlive(db.Now, ControlNodeLiveness.GoneAfter), n.Value.TakesAgents))], ct);

    public Task<OpenTransaction?> OldestTransactionAsync(CancellationToken ct) =>
        link.CallAsync(db => db.OldestOpen is { } xid ? new OpenTransaction("another one", $"{xid}", null) : null, ct);

    public Task ForgetGoneAsync(LeaderLease lease, TimeSpan inContact, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        if (!db.IsHeld(lease)) return false;
        foreach (var (name, row) in db.ControlNodes.ToList())
        {
            var patience = TimeSpan.FromSeconds(row.RestartTimeSeconds) + ControlNodeLiveness.GoneAfter;
            if (row.IsAlive(db.Now, patience)) continue;
            if (inContact <= patience) continue;
            // What the statement deletes is decided by the rows as they were before it.
            var rows = db.Advertisements.Where(a => a.Key.ControlNode == name).ToList();
            if (row.EngineBound || (row.LastSeen + ShownAfter < db.Now && rows.Count == 0))
            {
                db.ControlNodes.Remove(name);
                db.AnnouncementWriters.Remove(name);
                db.AgentsApplied.Remove(name);
            }

            foreach (var (key, paths) in rows)
            {
                if (!row.EngineBound && paths.Count > 0) continue;
                db.RemoveAdvertisement(key.FloatingIP, name);
                changes.Add(ResourceKind.Announcements, null, name, key.FloatingIP, ChangeVerb.Modified, statusOnly: true);
            }
        }

        return true;
    }), ct);
}
