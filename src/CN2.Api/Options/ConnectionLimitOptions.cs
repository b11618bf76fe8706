namespace CN2.Api.Options;

/// <summary>Section <c>Connections</c>: what TCP connections may cost. Each port (REST, agents) has its own count, so neither takes the other's.</summary>
public sealed record ConnectionLimitOptions
{
    /// <summary>Connections of one port at once.</summary>
    [WholeNumber(10, 1_000_000)]
    public int Most { get; init; } = 10_000;

    /// <summary>Connections of one caller to one port at once.</summary>
    [WholeNumber(1, 1_000_000)]
    public int MostOfCaller { get; init; } = 1000;

    /// <summary>How long a client may take to send the head of a request, from its first byte on.</summary>
    [WholeNumber(1, 120)]
    public int HeadSeconds { get; init; } = 10;
}
