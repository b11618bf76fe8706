namespace CN2.VRouter.Overlay.Kernel;

/// <summary>The labels of this node, and which router may use which of them.</summary>
internal sealed record TunnelAdmission(IReadOnlyCollection<uint> Labels, IReadOnlyCollection<TunnelSender> Senders);
