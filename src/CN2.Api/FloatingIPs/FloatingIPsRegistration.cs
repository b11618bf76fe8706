using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.FloatingIPs;

public static class FloatingIPsRegistration
{
    public static IServiceCollection AddFloatingIPs(this IServiceCollection services) =>
        services.AddSingleton<FloatingIPResources>()
        .AddSingleton<FloatingIPRemoval>()
        .AddSingleton<FloatingIPStore>()
        .AddWatched<FloatingIPRow, FloatingIPResources>(ResourceKind.FloatingIP, async (resources, db, rows, ct) => await resources.ReadAsync(db, rows, ct));
}
