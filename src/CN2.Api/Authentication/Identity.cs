using CN2.Api.Access;
using CN2.Api.Http;

namespace CN2.Api.Authentication;

/// <summary>A caller that has shown who it is.</summary>
/// <param name="Caller">Who it is.</param>
/// <param name="Until">From when on what it has shown does not count any more; null: it never expires.</param>
internal sealed record Identity(Caller Caller, DateTimeOffset? Until)
{
    /// <summary>When what it has shown says that it expires. <see cref="Until"/> may be later by what clocks may be apart.</summary>
    public DateTimeOffset? ExpiresAt { get; init; } = Until;

    /// <summary>By which its requests and watches are counted.</summary>
    public CallerKey Key { get; } = new(Caller.ToString());

    /// <summary>What it has shown may be taken back at any time: then this is cancelled.</summary>
    public CancellationToken Revoked { get; init; }

    /// <summary>Of a watch that begins now. One that begins when the token has expired and its clock is behind goes on until the token counts nowhere.</summary>
    public CallerLifetime Lifetime(DateTimeOffset now) => new(ExpiresAt > now ? ExpiresAt : Until, Revoked);
}
