using System.Net;
using CN2.Api.Http;
using CN2.Api.Threading;
using CN2.Network.Resources;

namespace CN2.Api.Authentication;

/// <summary>
/// What an address may try: a request that does not prove who sends it costs it an attempt, and without attempts nothing new of it is checked. What
/// was found right before still counts, so a neighbour behind the same address goes on.
/// </summary>
internal sealed class FailedAttempts : IDisposable
{
    private readonly AttemptLimit<IPAddress> _limit = new(Limits.FailedAttempts, Limits.FailedAttempts / 10, IPAddress.IsLoopback);

    /// <summary>The address has an attempt left.</summary>
    public bool MayTry(HttpContext http) => MayTry(http.Connection.RemoteIpAddress);

    /// <inheritdoc cref="MayTry(HttpContext)"/>
    /// <param name="source">Null: a unix socket.</param>
    public bool MayTry(IPAddress? source) => _limit.MayTry(Callers.Of(source));

    /// <summary>Takes one; false: there was none.</summary>
    public bool TryTake(HttpContext http) => TryTake(http.Connection.RemoteIpAddress);

    /// <inheritdoc cref="TryTake(HttpContext)"/>
    /// <param name="source">Null: a unix socket.</param>
    public bool TryTake(IPAddress? source) => _limit.TryTake(Callers.Of(source));

    public void Dispose() => _limit.Dispose();
}
