using System.Net;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Services;

internal static class ServiceProblems
{
    public static string What(string ns, string name) => $"Service {ns}/{name}";

    public static ApiProblem Missing(string ns, string name) => ApiProblem.NotFound(What(ns, name));

    public static ApiProblem Exists(string ns, string name) => ApiProblem.AlreadyExists(What(ns, name));

    /// <summary>Only the Kubernetes API asks for cluster IPs, so the sentences are those of Kubernetes.</summary>
    /// <param name="all">What the Service asks for.</param>
    /// <param name="address">The one that is meant.</param>
    /// <param name="ranges">The service network of the family.</param>
    public static ApiProblem ClusterIPOutOfRange(IReadOnlyList<IPAddress> all, IPAddress address, IReadOnlyList<IPNetwork> ranges) =>
        ApiProblem.AddressOutOfRange("clusterIPs", Failed(all, address, $"the provided IP ({address}) is not in the valid range. The range of valid IPs is {string.Join(", ", ranges)}"));

    /// <inheritdoc cref="ClusterIPOutOfRange"/>
    /// <param name="all">What the Service asks for.</param>
    /// <param name="address">The one that is meant.</param>
    /// <param name="why">Who has it; null: another Service.</param>
    public static ApiProblem ClusterIPInUse(IReadOnlyList<IPAddress> all, IPAddress address, string? why) =>
        ApiProblem.AddressInUse(Failed(all, address, why ?? "provided IP is already allocated")) with { Paths = ["clusterIPs"] };

    /// <param name="ports">The ports of the Service.</param>
    /// <param name="held">The node ports that other Services hold.</param>
    public static ApiProblem NodePortInUse(IReadOnlyList<ServicePortSpec> ports, IReadOnlyCollection<(short Protocol, int Port)> held) =>
        ApiProblem.NodePortInUse($"Another Service holds node port {string.Join(", ", held.Select(h => $"{(TransportProtocol)h.Protocol}/{h.Port}"))}; ask for another, or leave it out.") with
        {
            Paths = [.. ports.Index().Where(p => p.Item.NodePort is { } port && held.Contains(((short)p.Item.Protocol, port))).Select(p => $"ports[{p.Index}].nodePort")],
        };

    private static string Failed(IReadOnlyList<IPAddress> all, IPAddress address, string why) =>
        $"Invalid value: [{string.Join(",", all.Select(a => $"\"{a}\""))}]: failed to allocate IP {address}: {why}";
}
