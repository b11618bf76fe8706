using System.Net;
using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>
/// A local endpoint to probe (docs/contract.md §3, ServiceHealthCheck), with the times that the user chose.
/// <paramref name="LastKnown"/> is the state to start from. It does not belong to the question: targets that differ only in it are the same
/// probe.
/// </summary>
public sealed record ProbeTarget(
    Guid Uid,
    IPAddress Address,
    MonitorType MonitorType,
    TimeSpan Delay,
    TimeSpan Timeout,
    int MaxRetries,
    string HttpMethod,
    string UrlPath,
    ExpectedCodes ExpectedCodes,
    int Port,
    EndpointHealth LastKnown);
