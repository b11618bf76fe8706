using CN2.Api.Data;
using CN2.Network.Resources;

namespace CN2.Api.Http;

/// <summary>
/// No request lasts longer than <see cref="Limits.RequestSeconds"/>. Two seconds before that its work is cancelled. While PostgreSQL hangs it
/// is cancelled earlier, so that the answer is there within 5 seconds. The framework's request timeouts wait for the work to end; PostgreSQL
/// that hangs also hangs the cancellation of a statement, so the answer (503) does not wait for it here.
/// </summary>
internal sealed class RequestDeadline(DatabasePresence database, TimeProvider time)
{
    /// <summary>When the work is cancelled.</summary>
    public static readonly TimeSpan Work = TimeSpan.FromSeconds(Limits.RequestSeconds - 2);

    /// <summary>A request that takes this long asks whether the database hangs, and again after as long.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);

    /// <summary>How long the cancelled work may take to end by itself.</summary>
    public static readonly TimeSpan Ending = TimeSpan.FromSeconds(1);

    public async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<LongRunningAttribute>() is { } endless && endless.IsLong(http))
        {
            await next(http);
            return;
        }

        var client = http.RequestAborted;
        var turn = new AnswerTurn();
        using var work = new WorkToken(client);
        http.Features.Set(turn);
        http.RequestAborted = work.Token;
        try
        {
            var running = next(http);
            if (running.IsCompleted || await ProblemOfAsync(running) is not { } problem) await running;
            else await EndAsync(http, running, work, turn, problem);
        }
        finally
        {
            http.RequestAborted = client;
            http.Features.Set<AnswerTurn>(null);
        }
    }

    /// <summary>Waits for the work to end. Not null: the time for it is over, or the database hangs.</summary>
    private async Task<ApiProblem?> ProblemOfAsync(Task running)
    {
        var began = time.GetTimestamp();
        for (var left = Work; left > TimeSpan.Zero; left = Work - time.GetElapsedTime(began))
        {
            if (await EndsWithinAsync(running, left < Slow ? left : Slow)) return null;
            if (await database.HangsAsync()) return running.IsCompleted ? null : ApiProblem.DatabaseHangs();
        }

        return running.IsCompleted ? null : ApiProblem.Overdue();
    }

    /// <summary>Cancels the work, answers, and waits for the work to end: until then the request belongs to it.</summary>
    private async Task EndAsync(HttpContext http, Task running, WorkToken work, AnswerTurn turn, ApiProblem problem)
    {
        work.Cancel();
        await EndsWithinAsync(running, Ending);
        if (running.IsCompletedSuccessfully) return;
        if (turn.TryTake() && !http.Response.HasStarted)
        {
            http.Response.Headers.Connection = "close"; // the next request would wait until the work of this one has ended
            using var slow = new CancellationTokenSource(Ending, time);
            http.RequestAborted = slow.Token;
            await ProblemResult.WriteOnceAsync(http, problem);
            await http.Response.CompleteAsync();
        }
        else
        {
            http.Abort(); // the answer has begun, and the client does not take it
        }

        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task<bool> EndsWithinAsync(Task running, TimeSpan limit)
    {
        await running.WaitAsync(limit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return running.IsCompleted;
    }
}
