using CN2.Api.Http;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using FluentValidation;

namespace CN2.Api.FloatingIPs;

/// <summary>Checks the form of a reserved FloatingIP.</summary>
public sealed class FloatingIPRequestValidator : AbstractValidator<FloatingIPRequest>
{
    public FloatingIPRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(f => f).Custom((floatingIP, context) =>
        {
            if (floatingIP.ExternalNetwork is { } network
                && !(NamespacedName.TryParse(network, "own", out var id) && ResourceRules.IsName(id.Namespace) && ResourceRules.IsName(id.Name)))
                context.AddPathFailure("externalNetwork", "must be namespace/name, or name in the own namespace");
            if (floatingIP.Address is not null && !AddressSyntax.TryParseAddress(floatingIP.Address, out _, out var error)) context.AddPathFailure("address", error);
            CheckInterfaces(floatingIP.Interfaces ?? [], context.AddPathFailure);
            CheckMappings(floatingIP.PortMappings ?? [], context.AddPathFailure);
        });
    }

    private static void CheckInterfaces(List<string> interfaces, Action<string, string> fault)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < interfaces.Count; i++)
        {
            if (!ResourceRules.IsName(interfaces[i])) fault($"interfaces[{i}]", ResourceRules.NameRule);
            else if (!seen.Add(interfaces[i])) fault($"interfaces[{i}]", $"{interfaces[i]} is given twice");
        }
    }

    private static void CheckMappings(List<FloatingIPPortMappingRequest> mappings, Action<string, string> fault)
    {
        var seen = new HashSet<(TransportProtocol, int)>();
        for (var i = 0; i < mappings.Count; i++)
        {
            var protocol = mappings[i].Protocol ?? TransportProtocol.TCP;
            if (mappings[i].Port is not { } port) fault($"portMappings[{i}].port", "is required");
            else if (port is < 1 or > 65535) fault($"portMappings[{i}].port", "must be from 1 to 65535");
            else if (!seen.Add((protocol, port))) fault($"portMappings[{i}].port", $"{protocol}/{port} is given twice");
            if (mappings[i].TargetPort is < 1 or > 65535) fault($"portMappings[{i}].targetPort", "must be from 1 to 65535");
        }
    }
}
