using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>One event, ready to send; <paramref name="Data"/> is the resource as GET answers it.</summary>
/// <param name="Position">Where it is in the feed: the resume token.</param>
/// <param name="Verb">added, modified or deleted.</param>
/// <param name="Data">The resource.</param>
/// <param name="Change">The row of the feed that it was made of.</param>
public sealed record WatchEvent(FeedPosition Position, string Verb, ReadOnlyMemory<byte> Data, ChangeRow Change);
