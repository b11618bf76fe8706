using System.Net;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>A path as a router has it. Stale: from before the neighbor's restart, and still in use.</summary>
internal readonly record struct RouterPath(uint Number, IPAddress NextHop, string Engine, bool IsStale);
