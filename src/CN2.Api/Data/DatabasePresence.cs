using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Waits for a database that is away, and finds out whether one hangs. A fail-over takes seconds: whoever waits through it is served, instead
/// of being refused and asking again. However many wait, one task asks the database. All members may be called from any thread.
/// </summary>
public sealed class DatabasePresence
{
    /// <summary>How long a request waits at most, its first attempt included, before it begins another attempt.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(4.5);

    /// <summary>Whoever has waited for the most part of it (a server that hangs, a pool that is used up) makes no further attempt.</summary>
    private static readonly TimeSpan LeastLeft = TimeSpan.FromSeconds(1);

    /// <summary>A database that has not answered the smallest of questions within this time hangs.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Beyond this many the next one is refused at once: each holds a request in memory.</summary>
    private const int MostWaiting = 2000;

    private readonly Lock _lock = new();
    private readonly Func<Task<bool>> _takesWrites;
    private readonly TimeProvider _time;
    private Task? _return;
    private Task<bool>? _question;
    private int _waiting;

    public DatabasePresence([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, TimeProvider time)
        : this(() => TakesWritesAsync(source), time)
    {
    }

    /// <param name="takesWrites">Asks the database.</param>
    /// <param name="time">The clock.</param>
    internal DatabasePresence(Func<Task<bool>> takesWrites, TimeProvider time) => (_takesWrites, _time) = (takesWrites, time);

    /// <summary>Ends when the database answers and takes writes. It must have failed just now.</summary>
    public Task WhenBack()
    {
        lock (_lock) return _return ??= AskAsync();
    }

    /// <summary>Waits until another attempt makes sense. False: the request that began at <paramref name="since"/> has waited long enough.</summary>
    /// <param name="since">Of <see cref="TimeProvider.GetTimestamp"/>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<bool> WaitAsync(long since, CancellationToken ct)
    {
        var left = Patience - _time.GetElapsedTime(since);
        if (left < LeastLeft) return false;
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting) return false;
            await WhenBack().WaitAsync(left, _time, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>
    /// True: the server takes connections or statements and answers none (its processes are stopped, its disk does not answer). One that refuses
    /// connections does not hang: a fail-over is worth the wait. The answer takes 1.5 s at most.
    /// </summary>
    public async Task<bool> HangsAsync()
    {
        Task<bool> question;
        lock (_lock) question = _question is { IsCompleted: false } asked ? asked : _question = Task.Run(TimesOutAsync);
        await ((Task)question.WaitAsync(AnswerTime, _time)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !question.IsCompletedSuccessfully || await question;
    }

    private async Task AskAsync()
    {
        do
        {
            await Task.Delay(Interval, _time);
        }
        while (!await IsThereAsync());
        lock (_lock) _return = null;
    }

    private async Task<bool> IsThereAsync()
    {
        try
        {
            return await _takesWrites();
        }
        catch (Exception e)
        {
            // The server stops (the pool is disposed), or whoever waits meets the same failure himself and reports it.
            return e is ObjectDisposedException || !PostgresErrors.IsAway(e);
        }
    }

    private async Task<bool> TimesOutAsync()
    {
        try
        {
            await _takesWrites();
            return false;
        }
        catch (Exception e)
        {
            // Npgsql wraps the exception of a statement or a connection that was not answered in time.
            return e is TimeoutException || e.InnerException is TimeoutException;
        }
    }

    /// <summary>A standby answers too, and refuses every write.</summary>
    private static async Task<bool> TakesWritesAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand("SELECT NOT pg_is_in_recovery()");
        return (bool)(await command.ScalarAsync())!;
    }
}
