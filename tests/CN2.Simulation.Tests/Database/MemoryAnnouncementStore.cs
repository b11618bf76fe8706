using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryAnnouncementStore(DatabaseLink link) : IAnnouncementStore
{
    private long _lastWrite;

    public async Task<IReadOnlyList<SavedAnnouncement>> LoadAsync(string controlNode, CancellationToken ct)
    {
        var (rows, write) = await link.CallAsync(db =>
        {
            if (db.ControlNodes.TryGetValue(controlNode, out var row)) db.ControlNodes[controlNode] = row with { RowsRestored = false };
            NextWriter(db, controlNode);
            return (db.Advertisements.Where(a => a.Key.ControlNode == controlNode)
                .Select(a => new SavedAnnouncement(a.Key.FloatingIP, db.FloatingIPs[a.Key.FloatingIP].Address, new Dictionary<RouteKey, uint>(a.Value))).ToList(),
                db.AnnouncementWriters[controlNode]);
        }, ct);
        _lastWrite = Math.Max(_lastWrite, write);
        return rows;
    }

    public Task<List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)>> OfOthersAsync(
        IDatabaseReading reading, string self, IReadOnlyCollection<Guid>? floatingIPs, CancellationToken ct)
    {
        var wanted = floatingIPs?.ToHashSet();
        return link.CallAsync(reading, r => r.Tables.Advertisements.Where(a => a.Key.ControlNode != self && wanted?.Contains(a.Key.FloatingIP) != false)
            .Select(a => (a.Key.FloatingIP, a.Key.ControlNode, a.Value.Keys.ToArray())).ToList(), ct);
    }

    public async Task<HashSet<Guid>> SaveAsync(
        string controlNode, IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, Func<Guid, RouteKey, uint> identifierOf, bool tellOthers, CancellationToken ct)
    {
        // As the statement is made: its values are those of the call, also when it arrives later.
        var saved = rows.ToDictionary(r => r.Key, r => r.Value?.ToDictionary(p => p, p => identifierOf(r.Key, p)));
        var write = ++_lastWrite;
        var standing = await link.CallAsync(db => db.Write(changes =>
        {
            if (db.AnnouncementWriters.GetValueOrDefault(controlNode) >= write) return null;
            db.AnnouncementWriters[controlNode] = write;
            var standing = new HashSet<Guid>();
            foreach (var (floatingIP, paths) in saved)
            {
                if (paths is null)
                {
                    db.RemoveAdvertisement(floatingIP, controlNode);
                }
                else if (db.FloatingIPs.ContainsKey(floatingIP))
                {
                    db.PutAdvertisement(floatingIP, controlNode, paths);
                    standing.Add(floatingIP);
                }

                if (tellOthers) changes.Add(ResourceKind.Announcements, null, controlNode, floatingIP, ChangeVerb.Modified, statusOnly: true);
            }

            return standing;
        }), ct);
        if (standing is not null) return standing;
        _lastWrite = Math.Max(_lastWrite, await link.CallAsync(db => NextWriter(db, controlNode), ct));
        throw new SupersededWriteException(controlNode);
    }

    public Task<IReadOnlyCollection<(Guid FloatingIP, string ControlNode)>> RestoreAsync(
        IReadOnlyCollection<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> rows, CancellationToken ct) =>
        link.CallAsync(db => db.Write<IReadOnlyCollection<(Guid, string)>>(changes =>
        {
            var restored = new List<(Guid, string)>();
            foreach (var (floatingIP, name, paths) in rows)
            {
                if (!db.FloatingIPs.ContainsKey(floatingIP) || !db.ControlNodes.TryGetValue(name, out var row) || db.Advertisements.ContainsKey((floatingIP, name))) continue;
                db.PutAdvertisement(floatingIP, name, paths.ToDictionary(p => p, _ => 0u));
                db.ControlNodes[name] = row with { RowsRestored = true };
                changes.Add(ResourceKind.Announcements, null, name, floatingIP, ChangeVerb.Modified, statusOnly: true);
                restored.Add((floatingIP, name));
            }

            return restored;
        }), ct);

    public Task IntroduceAsync(string controlNode, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        changes.Add(ResourceKind.Announcements, null, controlNode, Guid.Empty, ChangeVerb.Modified, statusOnly: true);
        return true;
    }), ct);

    private static long NextWriter(MemoryDatabase db, string controlNode) =>
        db.AnnouncementWriters[controlNode] = ((db.AnnouncementWriters.GetValueOrDefault(controlNode) >> 32) + 1) << 32;
}
