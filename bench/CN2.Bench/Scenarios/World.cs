using CN2.Bench.Lab;

namespace CN2.Bench.Scenarios;

/// <summary>Resources every scenario needs.</summary>
internal static class World
{
    /// <summary>Four million addresses, chosen by every Service that names no network.</summary>
    public const string ExternalCidr = "100.64.0.0/10";

    public static Task AddExternalNetworkAsync(ApiProcess api) => api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/external-networks",
        $$"""{"name":"wide","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"{{ExternalCidr}}"}],"fabricForwarding":true}""");
}
