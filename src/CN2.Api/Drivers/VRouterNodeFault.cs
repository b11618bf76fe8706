using CN2.Network.Status;

namespace CN2.Api.Drivers;

/// <summary>Something on a node itself that drops or misroutes its traffic, as its agent found it.</summary>
/// <param name="Reason">One word in CamelCase.</param>
/// <param name="Message">A sentence without a full stop.</param>
/// <param name="Suspicion">Whether it stops traffic cannot be told.</param>
/// <param name="Traffic">What it stops.</param>
public sealed record VRouterNodeFault(string Reason, string Message, bool Suspicion, TrafficKinds Traffic = TrafficKinds.All);
