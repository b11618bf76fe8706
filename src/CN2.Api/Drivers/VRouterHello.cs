using System.Net;

namespace CN2.Api.Drivers;

/// <summary>The first message of an agent that has connected to this replica.</summary>
/// <param name="OverlayEngine"><c>userspace</c>, <c>kernel</c>, or null when it has none.</param>
public sealed record VRouterHello(string Name, IPAddress Address, IPAddress? Address6, string AgentVersion, string? OverlayEngine = null);
