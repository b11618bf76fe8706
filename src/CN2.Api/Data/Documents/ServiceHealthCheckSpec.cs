using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>Column <c>service_health_check.spec</c>: the request with every default filled in.</summary>
public sealed record ServiceHealthCheckSpec(
    MonitorType MonitorType, int Delay, int Timeout, int MaxRetries, string HttpMethod, string UrlPath, string ExpectedCodes, int? Port)
{
    /// <summary>GET or HEAD. A document from a time when probes could also write asks with GET: a probe must change nothing on a node's services.</summary>
    public string HttpMethod { get; init; } = HttpMethod == "HEAD" ? "HEAD" : "GET";
}
