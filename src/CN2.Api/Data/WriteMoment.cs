namespace CN2.Api.Data;

/// <summary>The transaction of a write. What the write creates has it as its first version (docs/adr/0011-the-kubernetes-front.md).</summary>
/// <param name="EpochBegan">When the epoch of the feed began.</param>
/// <param name="Transaction">The transaction id with its epoch (xid8).</param>
public readonly record struct WriteMoment(DateTimeOffset EpochBegan, ulong Transaction);
