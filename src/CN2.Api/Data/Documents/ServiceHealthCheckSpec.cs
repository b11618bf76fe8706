using System.Text.Json.Serialization;
using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>
/// Column <c>service_health_check.spec</c>: the request with every default filled in. A document without one of them has the default; without
/// the type it cannot be read.
/// </summary>
public sealed record ServiceHealthCheckSpec(
    [property: JsonRequired] MonitorType MonitorType, int Delay = 2, int Timeout = 5, int MaxRetries = 5, string HttpMethod = "GET", string UrlPath = "/",
    string ExpectedCodes = "200-299", int? Port = null)
{
    /// <summary>GET or HEAD. A document from a time when probes could also write asks with GET: a probe must change nothing on a node's services.</summary>
    public string HttpMethod { get; init; } = HttpMethod == "HEAD" ? "HEAD" : "GET";
}
