using CN2.Api.Options;
using CN2.VRouter.V1;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The vRouter driver: agents that dial in over gRPC.</summary>
public static class VRouterStreamRegistration
{
    /// <summary>
    /// Connections that may wait to be accepted, because many agents may come at one moment. One that finds no room here waits a second or more for its next packet. The kernel cuts this
    /// to net.core.somaxconn.
    /// </summary>
    public const int Backlog = 8192;

    public static IServiceCollection AddVRouterStream(this IServiceCollection services)
    {
        // An unknown service must not be answered for all paths of the host, or a wrong method on a REST path gives 404 for 405.
        services.AddGrpc(grpc => grpc.IgnoreUnknownServices = true);
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.Limits.Http2.KeepAlivePingDelay = HeartbeatProtocol.Interval;
            kestrel.Limits.Http2.KeepAlivePingTimeout = HeartbeatProtocol.Patience;
        });
        services.Configure<SocketTransportOptions>(sockets => sockets.Backlog = Backlog);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<VRouterStreamPublisher>();
        services.AddSingleton<RefusedAgents>();
        services.TryAddSingleton(new VRouterOptions());
        services.AddSingleton<NodeWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<NodeWatch>());
        services.AddSingleton<IVRouterPublisher>(provider => provider.GetRequiredService<VRouterStreamPublisher>());
        return services;
    }

    /// <summary>Adds the endpoint; it needs a listener that speaks HTTP/2.</summary>
    public static IEndpointConventionBuilder MapVRouterStream(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<VRouterStreamService>();
}
