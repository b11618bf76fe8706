using System.Net;
using CN2.Network.Resources;

namespace CN2.Api.Drivers;

/// <summary>A local endpoint to probe, with the state to start from.</summary>
public sealed record VRouterProbe(Guid Uid, IPAddress Address, ServiceHealthCheck Check, EndpointHealth LastKnown);
