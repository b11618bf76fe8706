namespace CN2.Api.Transport;

/// <summary>TLS of the listeners (docs/contract.md §7, Transport).</summary>
internal static class TransportRegistration
{
    public static IServiceCollection AddTransport(this IServiceCollection services) => services
        .AddSingleton<ClientAuthorities>()
        .AddHostedService(provider => provider.GetRequiredService<ClientAuthorities>())
        .AddSingleton<ServerCertificates>()
        .AddHostedService(provider => provider.GetRequiredService<ServerCertificates>());
}
