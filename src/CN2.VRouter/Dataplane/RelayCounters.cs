namespace CN2.VRouter.Dataplane;

/// <summary>
/// ICMP errors about packets that were too big, since the start of the agent. <paramref name="NoFlow"/>: came for a FloatingIP and belong to no flow
/// of this node. <paramref name="OverLimit"/>: were dropped because they are too many, on the way out or in. <paramref name="Sent"/>: datagrams to other
/// nodes, <paramref name="Received"/>: from other nodes. <paramref name="Delivered"/>: of these, translated and sent to the endpoint, as far as the
/// kernel says. <paramref name="Refused"/>: are none, are damaged or forged, or come from a node that does not carry the FloatingIP.
/// <paramref name="Unmatched"/>: came from other nodes and belong to no flow of this node either.
/// </summary>
public sealed record RelayCounters(long NoFlow, long OverLimit, long Sent, long Received, long Delivered, long Refused, long Unmatched);
