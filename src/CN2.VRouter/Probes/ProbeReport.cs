using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>The health of an endpoint and the result of its last probe in words.</summary>
public readonly record struct ProbeReport(Guid Uid, EndpointHealth Health, string Message);
