namespace CN2.VRouter.Overlay.Kernel;

/// <summary>Labels of ours, and who may use which of them.</summary>
internal sealed record TunnelAdmission(IReadOnlyCollection<uint> Labels, IReadOnlyCollection<TunnelSender> Senders);
