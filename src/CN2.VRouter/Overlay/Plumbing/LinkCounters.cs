namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Packets and bytes of a device, Ethernet headers included.</summary>
internal readonly record struct LinkCounters(long ReceivedPackets, long ReceivedBytes, long SentPackets, long SentBytes);
