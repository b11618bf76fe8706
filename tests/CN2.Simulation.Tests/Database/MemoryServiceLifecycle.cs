using CN2.Api.Data;
using CN2.Api.Services;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryServiceLifecycle(DatabaseLink link) : IServiceLifecycle
{
    /// <summary>There is no dual stack here.</summary>
    public Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct) => link.CallAsync(_ => new List<Guid>(), ct);

    public Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct) => link.CallAsync(db => new Writes(db).ServePending(services), ct);

    public Task<int> FinalizeAsync(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct, LeaderLease? lease = null) =>
        link.CallAsync(db => lease is { } proof && !db.IsHeld(proof) ? 0 : new Writes(db).FinalizeMarked(services, floatingIPs), ct);
}
