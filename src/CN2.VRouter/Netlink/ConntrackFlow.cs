using System.Net;

namespace CN2.VRouter.Netlink;

/// <summary>A tracked flow: who it was sent to, and who answers.</summary>
public readonly record struct ConntrackFlow(
    byte Protocol,
    IPAddress OriginalDestination,
    ushort OriginalDestinationPort,
    IPAddress ReplySource,
    ushort ReplySourcePort);
