namespace CN2.Api.Options;

/// <summary>Section <c>VRouters</c>.</summary>
public sealed record VRouterOptions
{
    /// <summary>How long an agent may be away before its routes are withdrawn.</summary>
    [WholeNumber(1, 3600)]
    public int LostAfterSeconds { get; init; } = 10;

    public TimeSpan LostAfter => TimeSpan.FromSeconds(LostAfterSeconds);
}
