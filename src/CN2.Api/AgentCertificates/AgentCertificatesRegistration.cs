using CN2.Api.Data;
using CN2.Api.Drivers;

namespace CN2.Api.AgentCertificates;

/// <summary>Which node an agent is (docs/contract.md §7, Agents). After the secrets, the database and the vRouter driver.</summary>
internal static class AgentCertificatesRegistration
{
    /// <summary>A request has a token and a key; what is larger is refused before it is read.</summary>
    private const int MostBytesOfRequest = 2 * AgentKeyRequest.MostBytes;

    public static IServiceCollection AddAgentCertificates(this IServiceCollection services)
    {
        services.AddGrpc()
            .AddServiceOptions<JoinService>(o => o.MaxReceiveMessageSize = MostBytesOfRequest)
            .AddServiceOptions<RenewalService>(o => o.MaxReceiveMessageSize = MostBytesOfRequest);
        return services
            .AddSingleton<AgentCaTable>()
            .AddSingleton<AgentAuthority>()
            .AddSingleton<AgentCertificateTable>()
            .AddSingleton<AgentIssuance>()
            .AddSingleton<IJoinTokens, JoinTokens>()
            .AddSingleton<AgentCertificateRegistry>()
            .AddSingleton<IVRouterAuthentication>(provider => provider.GetRequiredService<AgentCertificateRegistry>())
            .AddHostedService<AgentCaStartup>()
            .AddVersionWatch(VersionWatch.AgentCertificates);
    }

    public static IEnumerable<IEndpointConventionBuilder> MapAgentCertificates(this IEndpointRouteBuilder endpoints) =>
        [endpoints.MapGrpcService<JoinService>(), endpoints.MapGrpcService<RenewalService>()];
}
