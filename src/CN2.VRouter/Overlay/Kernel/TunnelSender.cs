namespace CN2.VRouter.Overlay.Kernel;

/// <summary>A router's address (as a number) and a label of ours that it may use.</summary>
internal readonly record struct TunnelSender(uint Address, uint Label);
