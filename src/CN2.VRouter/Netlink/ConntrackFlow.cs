using System.Net;

namespace CN2.VRouter.Netlink;

/// <summary>
/// A tracked flow. <paramref name="OriginalSource"/> began it towards <paramref name="OriginalDestination"/>;
/// <paramref name="ReplySource"/> answers it, and knows the beginner as <paramref name="ReplyDestination"/>.
/// <paramref name="Mark"/>: its ct mark. <paramref name="Replied"/>: a packet of the answering side was seen (IPS_SEEN_REPLY); before that a
/// TCP or SCTP flow is still being opened. Ports are 0 for protocols without them.
/// </summary>
public readonly record struct ConntrackFlow(
    byte Protocol,
    IPAddress OriginalDestination,
    ushort OriginalDestinationPort,
    IPAddress ReplySource,
    ushort ReplySourcePort,
    uint Mark,
    IPAddress OriginalSource,
    IPAddress ReplyDestination,
    bool Replied = true,
    ushort OriginalSourcePort = 0,
    ushort ReplyDestinationPort = 0);
