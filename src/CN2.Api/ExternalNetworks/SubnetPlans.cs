using System.Net;
using CN2.Api.Data.Documents;
using CN2.Network.Addressing;

namespace CN2.Api.ExternalNetworks;

/// <summary>Makes the <see cref="SubnetPlan"/> of a subnet in a request or a spec, and the spec of a request.</summary>
internal static class SubnetPlans
{
    public static (SubnetPlan? Plan, IReadOnlyList<SubnetFault> Faults) Read(SubnetRequest subnet) => SubnetPlan.Read(
        subnet.Cidr, subnet.Gateway, (subnet.Ranges ?? []).ConvertAll(r => (r.From, r.To)), subnet.Reserved ?? []);

    /// <summary>The spec of a validated request, with the gateway filled in.</summary>
    public static SubnetSpec ToSpec(SubnetRequest subnet) => new()
    {
        Cidr = subnet.Cidr!,
        Gateway = Read(subnet).Plan!.Gateway?.ToString(),
        Ranges = [.. (subnet.Ranges ?? []).Select(r => new AddressRangeSpec { From = r.From!, To = r.To! })],
        Reserved = [.. subnet.Reserved ?? []],
    };

    /// <summary>The plan of a spec that <see cref="ToSpec"/> made.</summary>
    public static SubnetPlan Of(SubnetSpec spec) => SubnetPlan.Make(
        IPNetwork.Parse(spec.Cidr),
        spec.Gateway is null ? null : IPAddress.Parse(spec.Gateway),
        spec.Ranges.ConvertAll(r => new AddressRange(IPAddress.Parse(r.From), IPAddress.Parse(r.To))),
        spec.Reserved.ConvertAll(r => AddressSyntax.TryParseRange(r, out var range, out _) ? range : throw new FormatException($"'{r}' in the database is no range")));
}
