namespace CN2.Api.Http;

/// <summary>Who answers a request: its action, or <see cref="RequestDeadline"/> when the action takes too long. The first to take the turn.</summary>
internal sealed class AnswerTurn
{
    private int _taken;

    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <summary>False when the request has been answered in the meantime: then nothing may be written any more.</summary>
    public static bool TryTake(HttpContext http) => http.Features.Get<AnswerTurn>()?.TryTake() ?? true;
}
