using System.Globalization;
using System.Text.Json.Nodes;
using static CN2.Api.Kubernetes.Tables.TableColumn;

namespace CN2.Api.Kubernetes.Tables;

/// <summary><c>kubectl get endpoints</c> and <c>kubectl get endpointslices</c>.</summary>
internal static class EndpointsTables
{
    private const string Unset = "<unset>";

    public static TableLayout Endpoints { get; } = new(
        [NameOf, Of("Endpoints", "The addresses and ports behind the Service that are ready."), Age],
        (endpoints, context) => [endpoints.Name(), endpoints.Items("subsets").SelectMany(Addresses).ToList().FirstThree().OrNone(), Ages.Of(endpoints, context)]);

    public static TableLayout EndpointSlice { get; } = new(
        [NameOf, Of("AddressType", "The address family."), Of("Ports", "The ports of all its endpoints."), Of("Endpoints", "Its endpoints."), Age],
        (slice, context) =>
        [
            slice.Name(),
            slice.Text("addressType"),
            slice.Items("ports").Select(p => p.Number("port")?.ToString(CultureInfo.InvariantCulture) ?? "*").ToList().FirstThree() ?? Unset,
            slice.Items("endpoints").SelectMany(e => e.Texts("addresses")).ToList().FirstThree() ?? Unset,
            Ages.Of(slice, context),
        ]);

    private static IEnumerable<string> Addresses(JsonObject subset)
    {
        var addresses = subset.Items("addresses").Select(a => a.Text("ip")).OfType<string>().ToList();
        return subset.Count("ports") == 0 ? addresses : subset.Items("ports").SelectMany(p => addresses.Select(a => a.AtPort(p.Number("port") ?? 0)));
    }
}
