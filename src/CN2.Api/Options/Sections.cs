using System.Net;

namespace CN2.Api.Options;

/// <summary>Section <c>Database</c>.</summary>
/// <param name="ConnectionString"><c>ConnectionStrings__CN2</c>, with the pool and prepare settings the product relies on filled in.</param>
/// <param name="Migrate"><c>Database__Migrate</c> (true): apply migrations at start; false: refuse to be ready until somebody has.</param>
public sealed record DatabaseOptions(string ConnectionString, bool Migrate);

/// <summary>Sections <c>Http</c> and <c>Grpc</c>: loopback unless told otherwise, because neither port authenticates.</summary>
/// <param name="HttpUrl"><c>Http__Url</c>: REST, Swagger UI, health, metrics.</param>
/// <param name="GrpcUrl"><c>Grpc__Url</c>: vRouter agents; HTTP/2 without TLS, so it is a port of its own.</param>
public sealed record ListenSettings(Uri HttpUrl, Uri GrpcUrl);

/// <summary>Section <c>Bgp</c>.</summary>
/// <param name="Engine"><c>gobgp</c> or <c>none</c>.</param>
/// <param name="GoBgpAddress"><c>Bgp__GoBgp__Address</c>.</param>
/// <param name="AutonomousSystem">1 to 4294967294, not 23456 (RFC 6793, RFC 7300).</param>
/// <param name="RouterId">IPv4; null only when the engine is <c>none</c> and none was given.</param>
/// <param name="ListenPort">-1: never listen, only connect.</param>
/// <param name="ListenAddresses">Empty: all.</param>
public sealed record BgpOptions(
    string Engine, Uri GoBgpAddress, uint AutonomousSystem, IPAddress? RouterId, int ListenPort, IReadOnlyList<IPAddress> ListenAddresses)
{
    /// <summary><c>Bgp__ImportedRoutesPerPeer</c> (10000): how many VPN routes are taken from one router at most.</summary>
    public int ImportedRoutesPerPeer { get; init; } = 10_000;

    public bool Enabled => Engine != "none";
}

/// <summary>Section <c>VRouters</c>.</summary>
/// <param name="LostAfter"><c>VRouters__LostAfterSeconds</c> (10): how long an agent may be away before its routes are withdrawn.</param>
public sealed record VRouterOptions(TimeSpan LostAfter);

/// <summary>Sections <c>ControlNode</c> and <c>Cluster</c>.</summary>
/// <param name="Name"><c>ControlNode__Name</c>: how this replica is called in statuses; the host name by default.</param>
/// <param name="ClusterName"><c>Cluster__Name</c>: prefix of FloatingIP names.</param>
public sealed record ControlNodeOptions(string Name, string ClusterName);

/// <summary>Section <c>ServiceNetwork</c>: cluster IPs are allocated here.</summary>
public sealed record ServiceNetworkOptions(IPNetwork V4, IPNetwork V6);

/// <summary>Section <c>NodePorts</c>: both ends included.</summary>
public sealed record NodePortOptions(int From, int To);

/// <summary>Section <c>Retention</c>, in hours.</summary>
/// <param name="Events"><c>Retention__EventsHours</c> (24).</param>
/// <param name="Changes"><c>Retention__ChangesHours</c> (1): how old a watch's resume token may be.</param>
/// <param name="IdempotencyKeys">24 h, fixed by the contract.</param>
public sealed record RetentionOptions(TimeSpan Events, TimeSpan Changes, TimeSpan IdempotencyKeys);
