namespace CN2.Api.Options;

/// <summary>Section <c>Retention</c>: how long is kept what is not kept for ever.</summary>
public sealed record RetentionOptions
{
    [WholeNumber(1, 8760)]
    public int EventsHours { get; init; } = 24;

    /// <summary>How many events are kept of all resources together, the newest; of one resource see <see cref="CN2.Network.Resources.Limits.EventsOfResource"/>.</summary>
    [WholeNumber(1000, 100_000_000)]
    public int Events { get; init; } = 500_000;

    /// <summary>Also how old a watch's resume token may be.</summary>
    [WholeNumber(1, 168)]
    public int ChangesHours { get; init; } = 1;

    /// <summary>How long entries of the audit log are kept.</summary>
    [WholeNumber(1, 3650)]
    public int AuditDays { get; init; } = 90;

    public TimeSpan Audit => TimeSpan.FromDays(AuditDays);

    public TimeSpan EventsAge => TimeSpan.FromHours(EventsHours);

    public TimeSpan Changes => TimeSpan.FromHours(ChangesHours);

    /// <summary>Not a setting: docs/contract.md §2 says 24 h.</summary>
    public TimeSpan IdempotencyKeys => TimeSpan.FromHours(24);
}
