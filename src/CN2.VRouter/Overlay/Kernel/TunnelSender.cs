namespace CN2.VRouter.Overlay.Kernel;

/// <summary>The IPv4 address of a router, as a number, and a label of this node that it may use.</summary>
internal readonly record struct TunnelSender(uint Address, uint Label);
