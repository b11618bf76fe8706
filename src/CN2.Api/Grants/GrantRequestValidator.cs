using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Addressing;
using CN2.Network.Grants;
using FluentValidation;

namespace CN2.Api.Grants;

/// <summary>Checks the form of a grant.</summary>
public sealed class GrantRequestValidator : AbstractValidator<GrantRequest>
{
    public GrantRequestValidator()
    {
        this.AddResourceRules();
        RuleFor(g => g).Custom((grant, context) =>
        {
            if (grant.Name != GrantRow.OnlyName) context.AddPathFailure("name", $"must be {GrantRow.OnlyName}, or absent");
            Check(grant.Prefixes, "prefixes", PrefixFault, context.AddPathFailure);
            Check(grant.RouteTargets, "routeTargets", t => RouteTargetPattern.TryParse(t, out _, out var error) ? null : error, context.AddPathFailure);
            Check(grant.Communities, "communities", t => CommunityPattern.TryParse(t, out _, out var error) ? null : error, context.AddPathFailure);
            Check(grant.LargeCommunities, "largeCommunities", t => LargeCommunityPattern.TryParse(t, out _, out var error) ? null : error, context.AddPathFailure);
            Check(grant.EndpointPrefixes, "endpointPrefixes", PrefixFault, context.AddPathFailure);
            CheckQuota(grant.Quota ?? new(), context.AddPathFailure);
        });
    }

    private static string? PrefixFault(string text) => AddressSyntax.TryParseNetwork(text, out _, out var error) ? null : error;

    private static void Check(List<string>? items, string path, Func<string, string?> faultOf, Action<string, string> fault)
    {
        for (var i = 0; i < (items?.Count ?? 0); i++)
        {
            if (faultOf(items![i]) is { } message) fault($"{path}[{i}]", message);
        }
    }

    private static void CheckQuota(GrantQuota quota, Action<string, string> fault)
    {
        foreach (var (name, most) in new[]
                 {
                     ("services", quota.Services), ("floatingIPs", quota.FloatingIPs), ("nodePorts", quota.NodePorts),
                     ("virtualMachineInterfaces", quota.VirtualMachineInterfaces), ("externalNetworks", quota.ExternalNetworks),
                 })
        {
            if (most < 0) fault($"quota.{name}", "must not be negative; 0 allows none, null any number");
        }
    }
}
