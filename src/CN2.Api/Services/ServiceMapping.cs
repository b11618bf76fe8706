using CN2.Api.Data.Documents;
using CN2.Network.Allocation;
using CN2.Network.Resources;

namespace CN2.Api.Services;

/// <summary>Makes the spec, with every default filled in, of a validated request, and a request of a spec.</summary>
internal static class ServiceMapping
{
    public static ServiceSpec ToSpec(this ServiceRequest request, string ns)
    {
        var families = request.IpFamilies is { Count: > 0 } given ? given
            : [.. IPFamilyDecision.FamiliesOf([], request.IpFamilyPolicy)];
        var spec = new ServiceSpec
        {
            Type = request.Type ?? ServiceType.LoadBalancer,
            Ports = [.. (request.Ports ?? []).Select(p => new ServicePortSpec
            {
                Name = p.Name, Protocol = p.Protocol ?? TransportProtocol.TCP, Port = p.Port!.Value, TargetPort = p.TargetPort ?? p.Port.Value, NodePort = p.NodePort,
            })],
            IpFamilies = [.. families],
            IpFamilyPolicy = IPFamilyDecision.PolicyOf(families, request.IpFamilyPolicy),
            ExternalNetwork = NamespacedName.TryParse(request.ExternalNetwork, ns, out var network) ? network.ToString() : null,
            ExternalNetworkSelector = request.ExternalNetworkSelector,
            LoadBalancerIPs = [.. request.LoadBalancerIPs ?? []],
            AllocateLoadBalancerNodePorts = request.AllocateLoadBalancerNodePorts ?? true,
            ExternalTrafficPolicy = request.ExternalTrafficPolicy ?? ExternalTrafficPolicy.Local,
            SessionAffinity = request.SessionAffinity ?? SessionAffinity.None,
            LoadBalancerSourceRanges = [.. (request.LoadBalancerSourceRanges ?? []).Distinct(StringComparer.Ordinal)],
        };
        foreach (var (key, value) in request.Selector ?? []) spec.Selector[key] = value;
        return spec;
    }

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    public static ServiceRequest ToRequest(Data.Rows.ServiceRow row, ServiceSpec spec) => new()
    {
        Name = row.Name,
        Labels = row.Labels,
        Annotations = row.Annotations,
        Type = spec.Type,
        Selector = new Dictionary<string, string>(spec.Selector),
        Ports = spec.Ports.ConvertAll(p => new ServicePortRequest { Name = p.Name, Protocol = p.Protocol, Port = p.Port, TargetPort = p.TargetPort, NodePort = p.NodePort }),
        IpFamilies = spec.IpFamilies,
        IpFamilyPolicy = spec.IpFamilyPolicy,
        ExternalNetwork = spec.ExternalNetwork,
        ExternalNetworkSelector = spec.ExternalNetworkSelector,
        LoadBalancerIPs = spec.LoadBalancerIPs,
        AllocateLoadBalancerNodePorts = spec.AllocateLoadBalancerNodePorts,
        ExternalTrafficPolicy = spec.ExternalTrafficPolicy,
        SessionAffinity = spec.SessionAffinity,
        LoadBalancerSourceRanges = spec.LoadBalancerSourceRanges,
    };
}
