using System.Net;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// A health check to run against one endpoint, on the vRouter it lives on. The IPv4 address is probed when there is one.
/// <paramref name="LastKnown"/> is the state to start from.
/// </summary>
public sealed record Probe(Guid VirtualMachineInterface, string VirtualRouter, IPAddress Address, ServiceHealthCheck Check, EndpointHealth LastKnown);
