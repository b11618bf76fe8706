using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryControlNodeStore(DatabaseLink link) : IControlNodeStore
{
    public Task<(bool Others, bool Unknown)> BeatAsync(
        string name, int restartTimeSeconds, string? sessions, IReadOnlyCollection<string> changedRouters, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        var known = db.ControlNodes.GetValueOrDefault(name);
        db.ControlNodes[name] = new ControlNodeRow(db.Now, restartTimeSeconds, sessions ?? known?.Sessions ?? "{}");
        foreach (var router in changedRouters.Where(db.Peers.ContainsKey)) changes.Add(ResourceKind.BgpRouter, null, router, Guid.Empty, ChangeVerb.Modified, statusOnly: true);
        return (db.ControlNodes.Any(n => n.Key != name && n.Value.LastSeen > db.Now - ControlNodeStore.GoneAfter), known is null);
    }));

    public Task<Dictionary<string, string>> SessionsAsync(CancellationToken ct) => link.CallAsync(db =>
        db.ControlNodes.Where(n => n.Value.LastSeen > db.Now - ControlNodeStore.GoneAfter).ToDictionary(n => n.Key, n => n.Value.Sessions));

    public Task<List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)>> AnnouncedByOthersAsync(
        string self, IReadOnlyCollection<Guid>? floatingIPs, CancellationToken ct)
    {
        var wanted = floatingIPs?.ToHashSet();
        return link.CallAsync(db => db.Advertisements.Where(a => a.Key.ControlNode != self && wanted?.Contains(a.Key.FloatingIP) != false)
            .Select(a => (a.Key.FloatingIP, a.Key.ControlNode, a.Value)).ToList());
    }

    public Task ForgetGoneAsync(CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var (name, row) in db.ControlNodes.ToList())
        {
            var patience = TimeSpan.FromSeconds(row.RestartTimeSeconds);
            if (row.LastSeen + (patience > ControlNodeStore.GoneAfter ? patience : ControlNodeStore.GoneAfter) >= db.Now) continue;
            db.ControlNodes.Remove(name);
            foreach (var key in db.Advertisements.Keys.Where(k => k.ControlNode == name).ToList())
            {
                db.Advertisements.Remove(key);
                changes.Add(ResourceKind.Announcements, null, name, key.FloatingIP, ChangeVerb.Modified, statusOnly: true);
            }
        }

        return true;
    }));
}
