using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryStateReader(DatabaseLink link) : IStateReader
{
    public Task<StateSnapshot> ReadAllAsync(CancellationToken ct) => link.CallAsync(db => new StateSnapshot(
        new FeedPosition(db.OldestRunning - 1, long.MaxValue),
        [.. db.Networks.Values], [.. db.Routers.Values.Select(r => Of(db, r))], [], [.. db.Endpoints.Values], [.. db.Services.Values], [.. db.FloatingIPs.Values],
        [.. db.Peers.Values]), ct);

    public Task<ulong> NewestChangeAsync(CancellationToken ct) => link.CallAsync(db => db.NewestChange, ct);

    public Task<List<ExternalNetwork>> ExternalNetworksAsync(Guid[] uids, CancellationToken ct) => link.CallAsync(db => Pick(db.Networks, uids), ct);

    public Task<List<VirtualRouterState>> VirtualRoutersAsync(Guid[] uids, CancellationToken ct) =>
        link.CallAsync(db => Pick(db.Routers, uids).ConvertAll(r => Of(db, r)), ct);

    public Task<List<ServiceHealthCheck>> ServiceHealthChecksAsync(Guid[] uids, CancellationToken ct) => link.CallAsync(_ => new List<ServiceHealthCheck>(), ct);

    public Task<List<VirtualMachineInterface>> VirtualMachineInterfacesAsync(Guid[] uids, CancellationToken ct) => link.CallAsync(db => Pick(db.Endpoints, uids), ct);

    public Task<List<Service>> ServicesAsync(Guid[] uids, CancellationToken ct) => link.CallAsync(db => Pick(db.Services, uids), ct);

    public Task<List<FloatingIP>> FloatingIPsAsync(Guid[] uids, CancellationToken ct) => link.CallAsync(db => Pick(db.FloatingIPs, uids), ct);

    public Task<List<BgpPeer>> BgpPeersAsync(CancellationToken ct) => link.CallAsync(db => db.Peers.Values.ToList(), ct);

    private static List<T> Pick<T>(Dictionary<Guid, T> rows, Guid[] uids) where T : class =>
        [.. uids.Select(u => rows.GetValueOrDefault(u)).OfType<T>()];

    private static VirtualRouterState Of(MemoryDatabase db, VirtualRouter router)
    {
        var status = db.RouterStatuses.GetValueOrDefault(router.Uid);
        return new(router with { Lost = status?.Lost ?? true }, status?.Connected ?? false, status?.ControlNode, status?.AppliedPosition ?? 0, status?.Refused);
    }
}
