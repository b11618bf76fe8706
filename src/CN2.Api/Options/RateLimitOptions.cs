namespace CN2.Api.Options;

/// <summary>Section <c>RateLimit</c>.</summary>
public sealed record RateLimitOptions
{
    /// <summary>Requests a second of one caller to <c>/v1</c>; twice as many at once. 0: no limit. Callers on loopback have none.</summary>
    [WholeNumber(0, 1_000_000)]
    public int PerSecond { get; init; } = 200;
}
