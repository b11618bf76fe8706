using CN2.Network.Resources;

namespace CN2.Api.Data.Documents;

/// <summary>Column <c>service_health_check.spec</c>: what the user asked for, with defaults.</summary>
public sealed record ServiceHealthCheckSpec(
    MonitorType MonitorType, int Delay, int Timeout, int MaxRetries, string HttpMethod, string UrlPath, string ExpectedCodes, int? Port);
