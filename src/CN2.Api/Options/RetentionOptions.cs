namespace CN2.Api.Options;

/// <summary>Section <c>Retention</c>: how long is kept what is not kept for ever.</summary>
public sealed record RetentionOptions
{
    [WholeNumber(1, 8760)]
    public int EventsHours { get; init; } = 24;

    /// <summary>Also how old a watch's resume token may be.</summary>
    [WholeNumber(1, 168)]
    public int ChangesHours { get; init; } = 1;

    public TimeSpan Events => TimeSpan.FromHours(EventsHours);

    public TimeSpan Changes => TimeSpan.FromHours(ChangesHours);

    /// <summary>Not a setting: docs/contract.md §2 says 24 h.</summary>
    public TimeSpan IdempotencyKeys => TimeSpan.FromHours(24);
}
