using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Reconcile;

/// <summary>Status documents of Services and FloatingIPs (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IStatusStore
{
    Task<Dictionary<Guid, string>> ReadAsync(ResourceKind kind, IReadOnlyCollection<Guid> uids, CancellationToken ct);

    /// <summary>False: the lease is not held in the database, and nothing was written.</summary>
    Task<bool> WriteAsync(
        LeaderLease lease, ResourceKind kind, IReadOnlyCollection<KeyValuePair<Guid, string>> documents, IReadOnlyCollection<StatusEvent> events, CancellationToken ct);
}
