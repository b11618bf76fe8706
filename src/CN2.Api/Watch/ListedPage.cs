using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>A part of a watch's first list: the resources of a kind up to a uid, as one database snapshot has them.</summary>
/// <param name="Kind">Of all of them.</param>
/// <param name="Last">The page has every resource after the page before it, up to this uid; null: all that come after.</param>
/// <param name="Snapshot">The changes that it sees are in the bodies already.</param>
/// <param name="Bodies">As GET answers them.</param>
public sealed record ListedPage(ResourceKind Kind, Guid? Last, FeedSnapshot Snapshot, IReadOnlyList<ReadOnlyMemory<byte>> Bodies);
