using System.Net;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Options;
using CN2.Network.Addressing;
using FluentValidation;

namespace CN2.Api.ExternalNetworks;

/// <summary>Checks the form of an ExternalNetwork.</summary>
public sealed class ExternalNetworkRequestValidator : AbstractValidator<ExternalNetworkRequest>
{
    public ExternalNetworkRequestValidator(BgpOptions bgp)
    {
        string? RouteTargetFault(string text) =>
            !RouteTarget.TryParse(text, out var target, out var error) ? error
            : target.IsReserved(bgp.AutonomousSystem) ? $"'{text}' lies where the automatic route targets of AS {bgp.AutonomousSystem} are made; choose a smaller number."
            : null;

        this.AddResourceRules();
        RuleFor(n => n.QuarantineSeconds).InclusiveBetween(0, ExternalNetworkRow.MaxQuarantineSeconds).WithMessage($"must be from 0 to {ExternalNetworkRow.MaxQuarantineSeconds} seconds");
        RuleFor(n => n).Custom((network, context) =>
        {
            var subnets = network.Subnets ?? [];
            if (subnets.Count == 0) context.AddPathFailure("subnets", "must have at least one subnet");
            var seen = new List<(int Index, IPNetwork Cidr)>();
            for (var i = 0; i < subnets.Count; i++) CheckSubnet(subnets[i], i, seen, context.AddPathFailure);
            foreach (var found in network.AllowedNamespaces?.Faults() ?? [])
                context.AddPathFailure(found.Member.Length == 0 ? "allowedNamespaces" : $"allowedNamespaces.{found.Member}", found.Message);
            CheckList(network.RouteTargets, "routeTargets", RouteTargetFault, context.AddPathFailure, distinct: true);
            CheckList(network.ImportRouteTargets, "importRouteTargets", RouteTargetFault, context.AddPathFailure, distinct: true);
            CheckList(network.ExportRouteTargets, "exportRouteTargets", RouteTargetFault, context.AddPathFailure, distinct: true);
            CheckList(network.Advertisement?.Communities, "advertisement.communities", CommunityFault, context.AddPathFailure);
            CheckList(network.Advertisement?.LargeCommunities, "advertisement.largeCommunities", LargeCommunityFault, context.AddPathFailure);
        });
    }

    private static string? CommunityFault(string text) => BgpCommunity.TryParse(text, out _, out var error) ? null : error;

    private static string? LargeCommunityFault(string text) => LargeCommunity.TryParse(text, out _, out var error) ? null : error;

    private static void CheckSubnet(SubnetRequest subnet, int index, List<(int Index, IPNetwork Cidr)> seen, Action<string, string> fault)
    {
        var (plan, faults) = SubnetPlans.Read(subnet);
        foreach (var (member, message) in faults) fault($"subnets[{index}].{member}", message);
        if (plan is null) return;
        foreach (var (other, cidr) in seen)
        {
            if (cidr.FamilyOf() == plan.Family && cidr.First() <= plan.Cidr.Last() && plan.Cidr.First() <= cidr.Last())
                fault($"subnets[{index}].cidr", $"{plan.Cidr} overlaps subnets[{other}], {cidr}.");
        }

        seen.Add((index, plan.Cidr));
    }

    private static void CheckList(List<string>? items, string path, Func<string, string?> faultOf, Action<string, string> fault, bool distinct = false)
    {
        if (items is null) return;
        for (var i = 0; i < items.Count; i++)
        {
            if (faultOf(items[i]) is { } message) fault($"{path}[{i}]", message);
            else if (distinct && items.IndexOf(items[i]) < i) fault($"{path}[{i}]", "is given twice");
        }
    }
}
