namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>A network device as the kernel shows it. <paramref name="Kind"/>: "tun", "veth" and so on; empty for hardware.</summary>
internal sealed record Link(int Index, string Name, bool Up, int Mtu, string Kind);
