using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryAnnouncementStore(DatabaseLink link) : IAnnouncementStore
{
    public Task<Dictionary<Guid, HashSet<RouteKey>>> LoadAsync(string controlNode, CancellationToken ct) => link.CallAsync(db =>
        db.Advertisements.Where(a => a.Key.ControlNode == controlNode).ToDictionary(a => a.Key.FloatingIP, a => a.Value.ToHashSet()));

    public Task<HashSet<Guid>> SaveAsync(
        string controlNode, IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, bool tellOthers, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        var standing = new HashSet<Guid>();
        foreach (var (floatingIP, paths) in rows)
        {
            if (paths is null)
            {
                db.Advertisements.Remove((floatingIP, controlNode));
            }
            else if (db.FloatingIPs.ContainsKey(floatingIP))
            {
                db.Advertisements[(floatingIP, controlNode)] = [.. paths];
                standing.Add(floatingIP);
            }

            if (tellOthers) changes.Add(ResourceKind.Announcements, null, controlNode, floatingIP, ChangeVerb.Modified, statusOnly: true);
        }

        return standing;
    }));

    public Task IntroduceAsync(string controlNode, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        changes.Add(ResourceKind.Announcements, null, controlNode, Guid.Empty, ChangeVerb.Modified, statusOnly: true);
        return true;
    }));
}
