using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// The same server with its reconciler asleep: nothing is finished, served or written behind a test's back, so that what requests
/// alone leave in the tables can be looked at.
/// </summary>
public sealed class ApiServerWithoutReconciler(PrivatePostgres postgres) : ApiServer(postgres)
{
    protected override void Replace(IServiceCollection services)
    {
        var reconciler = services.Single(s => s.ServiceType == typeof(IHostedService) && s.ImplementationType == typeof(Reconciler));
        services.Remove(reconciler);
    }
}
