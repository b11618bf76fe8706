using System.Net;

namespace CN2.VRouter.Netlink;

/// <summary>
/// A tracked flow: who it was sent to, and who answers. <paramref name="Mark"/>: its ct mark. <paramref name="OriginalSource"/> began
/// it, <paramref name="ReplyDestination"/> is who the other side takes it to be.
/// </summary>
public readonly record struct ConntrackFlow(
    byte Protocol,
    IPAddress OriginalDestination,
    ushort OriginalDestinationPort,
    IPAddress ReplySource,
    ushort ReplySourcePort,
    uint Mark,
    IPAddress OriginalSource,
    IPAddress ReplyDestination);
