using CN2.Network.Resources;

namespace CN2.VRouter.Probes;

/// <summary>The state of an endpoint and what its last probe saw.</summary>
public readonly record struct ProbeReport(Guid Uid, EndpointHealth Health, string Message);
