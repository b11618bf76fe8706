using CN2.Api.Data;

namespace CN2.Api.Watch;

/// <summary>One event, ready to send; <paramref name="Data"/> is the resource as GET answers it.</summary>
public sealed record WatchEvent(FeedPosition Position, string Verb, ReadOnlyMemory<byte> Data);
