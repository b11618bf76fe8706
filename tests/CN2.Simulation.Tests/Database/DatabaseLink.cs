using CN2.Simulation.Tests.Scheduling;
using Npgsql;

namespace CN2.Simulation.Tests.Database;

/// <summary>
/// The way of one machine to the database. A call takes a time that the seed decides; it may be lost before or after the database has carried it
/// out, and a call that was sent is carried out although its sender is killed.
/// </summary>
internal sealed class DatabaseLink(MemoryDatabase database, DatabaseWeather weather, Scheduler scheduler, Random random)
{
    /// <summary>The machine cannot reach the database.</summary>
    public bool IsCut { get; set; }

    private bool IsAway => IsCut || weather.IsDown;

    public Task<T> CallAsync<T>(Func<MemoryDatabase, T> work)
    {
        if (IsAway) return Task.FromException<T>(Away());
        if (weather.IsStopped || random.Next(100) < weather.SlowPercent) return SlowAsync(work);
        try
        {
            return Task.FromResult(work(database));
        }
        catch (PostgresException e)
        {
            return Task.FromException<T>(e);
        }
    }

    private Task<T> SlowAsync<T>(Func<MemoryDatabase, T> work)
    {
        var answer = new TaskCompletionSource<T>();
        scheduler.After(Delay(), Arrive);
        return answer.Task;

        void Arrive()
        {
            if (weather.IsStopped) scheduler.After(TimeSpan.FromMilliseconds(200), Arrive);
            else if (IsAway) answer.SetException(Away());
            else CarryOut();
        }

        void CarryOut()
        {
            T result;
            try
            {
                result = work(database);
            }
            catch (PostgresException e)
            {
                scheduler.After(Delay(), () => answer.SetException(e));
                return;
            }

            scheduler.After(Delay(), () =>
            {
                if (IsAway) answer.SetException(Away());
                else answer.SetResult(result);
            });
        }
    }

    private TimeSpan Delay() => TimeSpan.FromMilliseconds(random.Next(40));

    private static NpgsqlException Away() => new("The connection with the database is lost.");
}
