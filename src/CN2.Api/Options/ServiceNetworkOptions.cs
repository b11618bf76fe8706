using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;

namespace CN2.Api.Options;

/// <summary>Section <c>ServiceNetwork</c>: the prefixes that cluster IPs are allocated from, and which nodes get them.</summary>
public sealed record ServiceNetworkOptions
{
    [PoolPrefix(IPFamily.IPv4, 8, 30, DefaultV4)]
    public IPNetwork V4 { get; init; } = IPNetwork.Parse(DefaultV4);

    [PoolPrefix(IPFamily.IPv6, 32, 126, DefaultV6)]
    public IPNetwork V6 { get; init; } = IPNetwork.Parse(DefaultV6);

    /// <summary><c>all</c> or <c>namespace</c>: which vRouters get the cluster IPs.</summary>
    [OneOf("all", "namespace")]
    public ServiceDistribution Distribution { get; init; } = ServiceDistribution.All;

    private const string DefaultV4 = "10.233.0.0/18";
    private const string DefaultV6 = "fd85:ee78:d8a6:8607::1000/116";
}
