using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>The next state of a route, and the routes that the speaker must withdraw and announce to reach it.</summary>
internal readonly record struct RouteStep(RouteState Next, FloatingIPRoute? Withdraw = null, FloatingIPRoute? Announce = null);
