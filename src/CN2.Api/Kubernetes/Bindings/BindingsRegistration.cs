using CN2.Api.Kubernetes.Objects;

namespace CN2.Api.Kubernetes.Bindings;

internal static class BindingsRegistration
{
    public static IServiceCollection AddObjectBindings(this IServiceCollection services) => services
        .AddSingleton<ObjectBindings>()
        .AddObjectBinding<NamespaceBinding>()
        .AddObjectBinding<ServiceBinding>()
        .AddObjectBinding<FloatingIPBinding>()
        .AddSingleton<RequestReader>()
        .AddSingleton<SubnetUsers>()
        .AddSingleton<NetworkWriting>()
        .AddSingleton<NetworkCompletion>()
        .AddHostedService(provider => provider.GetRequiredService<NetworkCompletion>())
        .AddObjectBinding<PodBinding>()
        .AddObjectBinding<NodeBinding>()
        .AddObjectBinding<EventBinding>()
        .AddObjectBinding<EndpointsBinding>()
        .AddObjectBinding<EndpointSliceBinding>()
        .AddObjectBinding<VirtualNetworkBinding>()
        .AddObjectBinding<SubnetBinding>()
        .AddObjectBinding<RoutingInstanceBinding>()
        .AddObjectBinding<VirtualMachineInterfaceBinding>()
        .AddObjectBinding<VirtualRouterBinding>()
        .AddObjectBinding<BgpRouterBinding>()
        .AddObjectBinding<ServiceHealthCheckBinding>()
        .AddObjectBinding<KubemanagerV1Binding>()
        .AddObjectBinding<KubemanagerV1Alpha1Binding>()
        .AddObjectBinding<NetworkAttachmentBinding>();
}
