namespace CN2.Network.Sequencing;

/// <summary>
/// A message that a vRouter has to acknowledge. <paramref name="Revision"/> is its number in the stream of an agent that is connected to this
/// replica. <paramref name="FeedPosition"/> counts readings of the change feed: what they brought, an agent connected to another replica must have applied.
/// </summary>
public readonly record struct AckMark(ulong Revision, long FeedPosition);
