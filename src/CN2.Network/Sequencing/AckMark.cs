namespace CN2.Network.Sequencing;

/// <summary>
/// A message that a vRouter has to acknowledge. <paramref name="Revision"/> is its number in the stream of an agent that is connected to this
/// replica. <paramref name="FeedPosition"/> is the position in the change feed that an agent connected to another replica has to reach.
/// </summary>
public readonly record struct AckMark(ulong Revision, long FeedPosition);
