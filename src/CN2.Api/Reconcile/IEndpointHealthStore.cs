using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>What probes found, as rows (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IEndpointHealthStore
{
    Task SaveAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct);

    Task<int> ReleaseAsync(LeaderLease lease, CancellationToken ct);
}
