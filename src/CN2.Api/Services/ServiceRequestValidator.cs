using CN2.Api.Http;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using FluentValidation;

namespace CN2.Api.Services;

/// <summary>Checks the form of a Service. What depends on other resources is decided in the transaction that reads them.</summary>
public sealed class ServiceRequestValidator : AbstractValidator<ServiceRequest>
{
    public ServiceRequestValidator(NodePortOptions nodePorts)
    {
        this.AddResourceRules();
        RuleFor(s => s).Custom((service, context) =>
        {
            foreach (var (key, value) in service.Selector ?? [])
            {
                if (!LabelSyntax.IsKey(key)) context.AddPathFailure($"selector[{key}]", LabelSyntax.KeyRule);
                if (!LabelSyntax.IsValue(value)) context.AddPathFailure($"selector[{key}]", LabelSyntax.ValueRule);
            }

            CheckPorts(service.Ports, nodePorts, context.AddPathFailure);
            CheckFamilies(service, context.AddPathFailure);
            CheckNetwork(service, context.AddPathFailure);
            CheckAddresses(service, context.AddPathFailure);
            var ranges = service.LoadBalancerSourceRanges ?? [];
            for (var i = 0; i < ranges.Count; i++)
            {
                if (!AddressSyntax.TryParseNetwork(ranges[i], out _, out var error)) context.AddPathFailure($"loadBalancerSourceRanges[{i}]", error);
            }
        });
    }

    private static void CheckPorts(List<ServicePortRequest>? ports, NodePortOptions nodePorts, Action<string, string> fault)
    {
        if (ports is not { Count: > 0 })
        {
            fault("ports", "must have at least one port");
            return;
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<(TransportProtocol, int)>();
        var taken = new HashSet<(TransportProtocol, int)>();
        for (var i = 0; i < ports.Count; i++)
        {
            var port = ports[i];
            var protocol = port.Protocol ?? TransportProtocol.TCP;
            if (port.Name is { } name)
            {
                if (!ResourceRules.IsName(name)) fault($"ports[{i}].name", ResourceRules.NameRule);
                else if (!names.Add(name)) fault($"ports[{i}].name", $"{name} is the name of another port");
            }

            if (port.Port is not { } number) fault($"ports[{i}].port", "is required");
            else if (number is < 1 or > 65535) fault($"ports[{i}].port", "must be from 1 to 65535");
            else if (!numbers.Add((protocol, number))) fault($"ports[{i}].port", $"{protocol}/{number} is given twice");
            if (port.TargetPort is < 1 or > 65535) fault($"ports[{i}].targetPort", "must be from 1 to 65535");
            if (port.NodePort is not { } node) continue;
            if (node < nodePorts.From || node > nodePorts.To) fault($"ports[{i}].nodePort", $"must be from {nodePorts.From} to {nodePorts.To}");
            else if (!taken.Add((protocol, node))) fault($"ports[{i}].nodePort", $"{protocol}/{node} is given twice");
        }
    }

    private static void CheckFamilies(ServiceRequest service, Action<string, string> fault)
    {
        var families = service.IpFamilies ?? [];
        if (families.Distinct().Count() != families.Count) fault("ipFamilies", "must not name a family twice");
        else if (families.Count == 2 && service.IpFamilyPolicy == IPFamilyPolicy.SingleStack)
            fault("ipFamilyPolicy", "must be PreferDualStack or RequireDualStack with two ipFamilies");
    }

    private static void CheckNetwork(ServiceRequest service, Action<string, string> fault)
    {
        if (service.ExternalNetwork is { } network
            && !(NamespacedName.TryParse(network, "own", out var id) && ResourceRules.IsName(id.Namespace) && ResourceRules.IsName(id.Name)))
            fault("externalNetwork", "must be namespace/name, or name in the own namespace");
        if (service.ExternalNetworkSelector is not { } selector) return;
        if (service.ExternalNetwork is not null) fault("externalNetworkSelector", "must be absent when externalNetwork is given");
        else if (!ResourceRules.IsName(selector)) fault("externalNetworkSelector", ResourceRules.NameRule);
    }

    private static void CheckAddresses(ServiceRequest service, Action<string, string> fault)
    {
        var asked = service.LoadBalancerIPs ?? [];
        var seen = new HashSet<IPFamily>();
        var families = service.IpFamilies is { Count: > 0 } given ? given : [IPFamily.IPv4];
        var dual = families.Count > 1 || service.IpFamilyPolicy is IPFamilyPolicy.PreferDualStack or IPFamilyPolicy.RequireDualStack;
        for (var i = 0; i < asked.Count; i++)
        {
            if (!AddressSyntax.TryParseAddress(asked[i], out var address, out var error)) fault($"loadBalancerIPs[{i}]", error);
            else if (!seen.Add(address.FamilyOf())) fault($"loadBalancerIPs[{i}]", $"is a second {address.FamilyOf()} address; one of a family can be asked for");
            else if (!dual && !families.Contains(address.FamilyOf())) fault($"loadBalancerIPs[{i}]", $"is {address.FamilyOf()}, but ipFamilies is {families[0]}");
        }
    }
}
