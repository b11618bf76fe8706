using System.Net;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// A health check that the vRouter of an endpoint runs against it. An endpoint with an IPv4 address is probed there.
/// <paramref name="LastKnown"/> is the state that the probe starts with.
/// </summary>
public sealed record Probe(Guid VirtualMachineInterface, string VirtualRouter, IPAddress Address, ServiceHealthCheck Check, EndpointHealth LastKnown);
