using CN2.Network.Sequencing;

namespace CN2.Api.Drivers;

/// <summary>Something that an agent has not put in force while it applied everything else, and why.</summary>
public sealed record VRouterRefusal(VirtualRouterItem Item, string Reason);
