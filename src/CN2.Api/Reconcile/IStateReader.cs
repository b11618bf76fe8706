using CN2.Api.Data;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Reads rows as the types decisions are made with (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IStateReader
{
    Task<IDatabaseReading> OpenAsync(CancellationToken ct);

    Task<StateSnapshot?> ReadAllAsync(IDatabaseReading reading, CancellationToken ct);

    Task<RowsRead<ExternalNetwork>> ExternalNetworksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct);

    Task<RowsRead<VirtualRouterState>> VirtualRoutersAsync(IDatabaseReading reading, Guid[] uids, Guid epoch, CancellationToken ct);

    /// <summary>What the agents of each control node have applied, as far as that was said in this epoch.</summary>
    Task<IReadOnlyList<AgentsApplied>> AgentsAppliedAsync(IDatabaseReading reading, Guid epoch, CancellationToken ct);

    Task<RowsRead<ServiceHealthCheck>> ServiceHealthChecksAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct);

    Task<RowsRead<VirtualMachineInterface>> VirtualMachineInterfacesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct);

    Task<RowsRead<Service>> ServicesAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct);

    Task<RowsRead<FloatingIP>> FloatingIPsAsync(IDatabaseReading reading, Guid[] uids, CancellationToken ct);

    Task<PeersRead> BgpPeersAsync(IDatabaseReading reading, CancellationToken ct);
}
