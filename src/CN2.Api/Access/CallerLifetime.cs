namespace CN2.Api.Access;

/// <summary>
/// How long the caller of a request may go on with it: a watch ends when what its caller has shown expires or is taken back. The client comes back with its
/// resume token, and with a new proof of who it is.
/// </summary>
/// <param name="Until">When what it has shown expires; null: never.</param>
/// <param name="Ended">Cancelled when it is taken back before.</param>
public sealed record CallerLifetime(DateTimeOffset? Until, CancellationToken Ended)
{
    /// <summary>No timer takes more; a watch that gets so old ends then.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(45);

    /// <summary>Of whoever has shown nothing.</summary>
    public static CallerLifetime Endless { get; } = new(null, CancellationToken.None);

    /// <summary>Of a request, once its caller is known.</summary>
    public static CallerLifetime Of(HttpContext http) => http.Features.Get<CallerLifetime>() ?? Endless;

    /// <summary>Cancelled when this ends or one of <paramref name="others"/> is. Dispose it at the end of the request.</summary>
    public CancellationTokenSource Link(TimeProvider time, params ReadOnlySpan<CancellationToken> others)
    {
        var ending = CancellationTokenSource.CreateLinkedTokenSource([.. others, Ended]);
        if (Until is not { } until) return ending;
        var left = until - time.GetUtcNow();
        if (left <= TimeSpan.Zero) ending.Cancel();
        else ending.CancelAfter(left < Longest ? left : Longest);
        return ending;
    }
}
