using CN2.Api.Data;

namespace CN2.Api.Services;

/// <summary>What happens to Services without a request (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IServiceLifecycle
{
    Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct);

    Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct);

    Task<int> FinalizeAsync(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct, LeaderLease? lease = null);
}
