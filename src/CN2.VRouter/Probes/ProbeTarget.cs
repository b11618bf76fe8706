using System.Net;
using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>
/// A local endpoint to probe (contract §3, ServiceHealthCheck). Times as the user gave them. <paramref name="LastKnown"/> is the state
/// to start from and no part of what is asked: two targets that differ in it only are the same probe.
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
