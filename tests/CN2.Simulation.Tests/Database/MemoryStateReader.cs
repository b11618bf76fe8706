using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryStateReader(DatabaseLink link) : IStateReader
{
    public Task<IDatabaseReading> OpenAsync(CancellationToken ct) => link.CallAsync<IDatabaseReading>(db => db.OpenReading(), ct);

    public Task<StateSnapshot?> ReadAllAsync(IDatabaseReading reading, CancellationToken ct) => link.CallAsync<StateSnapshot?>(db =>
    {
        var r = db.Checked(reading);
        return new StateSnapshot(
            new FeedPosition(r.Epoch, r.Seen), db.RecentChanges(r), All(r.Tables.Networks.Values), All(r.Tables.Routers.Values.Select(v => Of(r.Tables, v, r.Epoch))), All<ServiceHealthCheck>([]),
            All(r.Tables.Endpoints.Values), All(r.Tables.Services.Values), All(r.Tables.FloatingIPs.Values), new PeersRead([.. r.Tables.Peers.Values], []));
    }, ct);

    public Task<RowsRead<ExternalNetwork>> ExternalNetworksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        link.CallAsync(reading, r => Pick(r.Tables.Networks, uids), ct);

    public Task<RowsRead<VirtualRouterState>> VirtualRoutersAsync(IDatabaseReading reading, Guid[] uids, Guid epoch, CancellationToken ct) =>
        link.CallAsync(reading, r => All(Pick(r.Tables.Routers, uids).Items.Select(v => Of(r.Tables, v, epoch))), ct);

    public Task<IReadOnlyList<AgentsApplied>> AgentsAppliedAsync(IDatabaseReading reading, Guid epoch, CancellationToken ct) =>
        link.CallAsync(reading, r => (IReadOnlyList<AgentsApplied>)[.. r.Tables.AgentsApplied.Values.Select(a => a.Applied).OfType<AgentsApplied>().Where(a => a.Position.Epoch == epoch)], ct);

    public Task<RowsRead<ServiceHealthCheck>> ServiceHealthChecksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        link.CallAsync(reading, _ => All<ServiceHealthCheck>([]), ct);

    public Task<RowsRead<VirtualMachineInterface>> VirtualMachineInterfacesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) =>
        link.CallAsync(reading, r => Pick(r.Tables.Endpoints, uids), ct);

    public Task<RowsRead<Service>> ServicesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) => link.CallAsync(reading, r => Pick(r.Tables.Services, uids), ct);

    public Task<RowsRead<FloatingIP>> FloatingIPsAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct) => link.CallAsync(reading, r => Pick(r.Tables.FloatingIPs, uids), ct);

    public Task<PeersRead> BgpPeersAsync(IDatabaseReading reading, CancellationToken ct) => link.CallAsync(reading, r => new PeersRead([.. r.Tables.Peers.Values], []), ct);

    private static RowsRead<T> All<T>(IEnumerable<T> rows) => new([.. rows], []);

    private static RowsRead<T> Pick<T>(Dictionary<Guid, T> rows, Guid[] uids) where T : class => All(uids.Select(u => rows.GetValueOrDefault(u)).OfType<T>());

    private static VirtualRouterState Of(Tables tables, VirtualRouter router, Guid epoch)
    {
        var status = tables.RouterStatuses.GetValueOrDefault(router.Uid);
        var applied = status?.Applied is { } position && position.Epoch == epoch ? position : null;
        return new(router with { Lost = status?.Lost ?? true }, status?.Connected ?? false, status?.ControlNode, applied, status?.Refused, status?.HeldAt is not null)
        {
            Vanished = status is { Connected: false } && status.VanishedAt > status.LastSeen,
        };
    }
}
