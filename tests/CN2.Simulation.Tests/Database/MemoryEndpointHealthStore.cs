using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Database;

/// <summary>No endpoint of the simulation has a health check, so none flaps.</summary>
internal sealed class MemoryEndpointHealthStore(DatabaseLink link) : IEndpointHealthStore
{
    public Task SaveAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct) => link.CallAsync(db => db.Write(changes =>
    {
        foreach (var report in reports)
        {
            var health = Enum.Parse<EndpointHealth>(report.Health);
            if (!db.Endpoints.TryGetValue(report.Uid, out var endpoint) || endpoint.VirtualRouter != report.VirtualRouter || endpoint.Health == health) continue;
            db.Endpoints[report.Uid] = endpoint with { Health = health };
            changes.Add(ResourceKind.VirtualMachineInterface, endpoint.Id.Namespace, endpoint.Id.Name, endpoint.Uid, ChangeVerb.Modified);
        }

        return true;
    }), ct);

    public Task<int> ReleaseAsync(LeaderLease lease, CancellationToken ct) => Task.FromResult(0);
}
