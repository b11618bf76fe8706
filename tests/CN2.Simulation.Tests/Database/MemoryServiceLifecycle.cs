using CN2.Api.Services;

namespace CN2.Simulation.Tests.Database;

internal sealed class MemoryServiceLifecycle(DatabaseLink link) : IServiceLifecycle
{
    /// <summary>There is no dual stack here.</summary>
    public Task<List<Guid>> IncompleteAsync(Guid externalNetwork, CancellationToken ct) => link.CallAsync(_ => new List<Guid>());

    public Task<int> ServePendingAsync(IReadOnlyCollection<Guid> services, CancellationToken ct) => link.CallAsync(db => new Writes(db).ServePending(services));

    public Task<int> FinalizeAsync(IReadOnlyCollection<Guid> services, IReadOnlyCollection<Guid> floatingIPs, CancellationToken ct) =>
        link.CallAsync(db => new Writes(db).FinalizeMarked(services, floatingIPs));
}
