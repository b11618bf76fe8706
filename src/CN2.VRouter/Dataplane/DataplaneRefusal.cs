using CN2.Network.Sequencing;

namespace CN2.VRouter.Dataplane;

/// <summary>An item that is not in force as desired, and a sentence of the kernel or the agent that says why.</summary>
public sealed record DataplaneRefusal(VirtualRouterItem Item, string Reason);
