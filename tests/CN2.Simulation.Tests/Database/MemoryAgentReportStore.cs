using System.Net;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryAgentReportStore(DatabaseLink link) : IAgentReportStore
{
    public Task<(IPAddress Address, IPAddress? Address6)> ConnectAsync(
        string name, IPAddress address, IPAddress? address6, string version, string? overlayEngine, string controlNode, DateTimeOffset now, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes =>
        {
            var router = db.RouterOf(name);
            var isNew = router is null;
            if (router is null)
            {
                if (db.HasAddress(address, name)) throw MemoryDatabase.Violation("23505", "virtual_router_address");
                router = new VirtualRouter { Uid = db.NewUid(), Name = name, Address = address, Address6 = address6 };
                db.Routers[router.Uid] = router;
            }

            var before = db.RouterStatuses.GetValueOrDefault(router.Uid);
            db.RouterStatuses[router.Uid] = new RouterStatus(true, controlNode, db.Now, before?.Lost ?? isNew, before?.AppliedRevision ?? 0, 0, before?.Message);
            changes.Add(ResourceKind.VirtualRouter, null, name, router.Uid, isNew ? ChangeVerb.Added : ChangeVerb.Modified, statusOnly: !isNew);
            return (router.Address!, router.Address6);
        }));

    public Task DisconnectAsync(string controlNode, IReadOnlyCollection<string>? names, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var router in db.Routers.Values)
        {
            if (names?.Contains(router.Name) == false) continue;
            if (!db.RouterStatuses.TryGetValue(router.Uid, out var status) || !status.Connected || status.ControlNode != controlNode) continue;
            db.RouterStatuses[router.Uid] = status with { Connected = false };
            changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
        }

        return true;
    }));

    public Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct) =>
        link.CallAsync(db => db.Write(changes =>
        {
            foreach (var report in progress)
            {
                if (db.RouterOf(report.Name) is not { } router || !db.RouterStatuses.TryGetValue(router.Uid, out var status) || status.ControlNode != controlNode) continue;
                var isBack = status.Lost && answered.Contains(report.Name);
                var isNews = status.Message != report.Message || status.AppliedRevision != report.AppliedRevision || !status.Connected;
                db.RouterStatuses[router.Uid] = new RouterStatus(
                    true, controlNode, db.Now - report.Silence, status.Lost && !isBack, report.AppliedRevision, report.AppliedPosition, report.Message);
                if (isBack || isNews) changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: !isBack);
            }

            return true;
        }));

    public Task SaveHealthAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var report in reports)
        {
            var health = Enum.Parse<EndpointHealth>(report.Health);
            if (!db.Endpoints.TryGetValue(report.Uid, out var endpoint) || endpoint.VirtualRouter != report.VirtualRouter || endpoint.Health == health) continue;
            db.Endpoints[report.Uid] = endpoint with { Health = health };
            changes.Add(ResourceKind.VirtualMachineInterface, endpoint.Id.Namespace, endpoint.Id.Name, endpoint.Uid, ChangeVerb.Modified);
        }

        return true;
    }));

    public Task MarkLostAsync(TimeSpan goneAfter, TimeSpan lostAfter, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var router in db.Routers.Values)
        {
            if (!db.RouterStatuses.TryGetValue(router.Uid, out var status)) continue;
            // Both parts of the statement see the rows as they were before it.
            if (status.Connected && !(status.ControlNode is { } node && db.ControlNodes.GetValueOrDefault(node) is { } row && row.LastSeen > db.Now - goneAfter))
            {
                db.RouterStatuses[router.Uid] = status with { Connected = false };
                changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified, statusOnly: true);
            }
            else if (status is { Connected: false, Lost: false } && status.LastSeen < db.Now - lostAfter)
            {
                db.RouterStatuses[router.Uid] = status with { Lost = true };
                changes.Add(ResourceKind.VirtualRouter, null, router.Name, router.Uid, ChangeVerb.Modified);
            }
        }

        return true;
    }));
}
