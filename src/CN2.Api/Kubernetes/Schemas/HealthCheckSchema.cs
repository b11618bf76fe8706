using static CN2.Api.Kubernetes.Schemas.Cn2Schemas;
using static CN2.Api.Kubernetes.Schemas.Define;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>ServiceHealthCheck (docs/facts/cn2.md, 1.11).</summary>
public static class HealthCheckSchema
{
    private static readonly Schema.Structure Properties = Structure(Package + "ServiceHealthCheckProperties", "How endpoints are probed.",
        Number(0, "delay", "How many seconds lie between two probes.").Required(),
        Number(0, "delayUsecs", "Microseconds beside them."),
        Flag(0, "enabled", "It is in use."),
        Text(0, "expectedCodes", "HTTP status codes that are a success."),
        Text(0, "healthCheckType", "Where the probe comes from.", "link-local", "end-to-end", "segment", "vn-ip-list"),
        Text(0, "httpMethod", "The method of the request."),
        Number(0, "maxRetries", "How many failures in a row count.").Required(),
        Text(0, "monitorType", "The kind of probe.", "PING", "HTTP", "TCP", "BFD").Required(),
        Number(0, "port", "The port to probe."),
        Flag(0, "targetIPAll", "All addresses are probed."),
        Texts(0, "targetIPList", "The addresses to probe."),
        Number(0, "timeout", "How many seconds an answer may take.").Required(),
        Number(0, "timeoutUsecs", "Microseconds beside them."),
        Text(0, "urlPath", "The path of the request."));

    public static ResourceDefinition Definition { get; } = Kind("ServiceHealthCheck", "servicehealthchecks", "hc", "A probe that endpoints must answer to carry routes.",
    [
        Of(0, "serviceHealthCheckProperties", Properties, "How endpoints are probed.").Required(),
    ]);
}
