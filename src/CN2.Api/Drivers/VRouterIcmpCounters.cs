namespace CN2.Api.Drivers;

/// <summary>
/// What an agent did with ICMP errors about packets that were too big, since it started. <paramref name="NoFlow"/>: came for a FloatingIP and belong to no
/// flow of its node. <paramref name="OverLimit"/>: dropped because they are too many. <paramref name="Sent"/>, <paramref name="Received"/>: to and from
/// other nodes. <paramref name="Delivered"/>: of those received, to an endpoint. <paramref name="Refused"/>: damaged, forged or from a stranger.
/// <paramref name="Unmatched"/>: from other nodes, and of no flow of its node either.
/// </summary>
public sealed record VRouterIcmpCounters(long NoFlow, long OverLimit, long Sent, long Received, long Delivered, long Refused, long Unmatched);
