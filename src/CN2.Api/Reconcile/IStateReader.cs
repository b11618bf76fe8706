using CN2.Api.Drivers;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Reads rows as the types decisions are made with (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IStateReader
{
    Task<StateSnapshot> ReadAllAsync(CancellationToken ct);

    Task<ulong> NewestChangeAsync(CancellationToken ct);

    Task<List<ExternalNetwork>> ExternalNetworksAsync(Guid[] uids, CancellationToken ct);

    Task<List<VirtualRouterState>> VirtualRoutersAsync(Guid[] uids, CancellationToken ct);

    Task<List<ServiceHealthCheck>> ServiceHealthChecksAsync(Guid[] uids, CancellationToken ct);

    Task<List<VirtualMachineInterface>> VirtualMachineInterfacesAsync(Guid[] uids, CancellationToken ct);

    Task<List<Service>> ServicesAsync(Guid[] uids, CancellationToken ct);

    Task<List<FloatingIP>> FloatingIPsAsync(Guid[] uids, CancellationToken ct);

    Task<List<BgpPeer>> BgpPeersAsync(CancellationToken ct);
}
