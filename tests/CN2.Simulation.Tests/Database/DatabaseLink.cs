using CN2.Api.Data;
using CN2.Simulation.Tests.Scheduling;
using Npgsql;

namespace CN2.Simulation.Tests.Database;

/// <summary>
/// The way of one machine to the database. A call takes a time that the seed decides; it may be lost before or after the database has carried it
/// out, and a call that was sent is carried out although its sender is killed or waits no longer.
/// </summary>
internal sealed class DatabaseLink(MemoryDatabase database, DatabaseWeather weather, Scheduler scheduler, Random random)
{
    /// <summary>How long a statement of the control loop may take (<c>DatabasePools</c>).</summary>
    private static readonly TimeSpan StatementTime = TimeSpan.FromSeconds(2);

    /// <summary>The machine cannot reach the database.</summary>
    public bool IsCut { get; set; }

    private bool IsAway => IsCut || weather.IsDown;

    /// <summary>A call that is cancelled has failed for its caller; the database may carry it out all the same.</summary>
    public Task<T> CallAsync<T>(Func<MemoryDatabase, T> work, CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested) return Task.FromCanceled<T>(ct);
        if (IsAway) return Task.FromException<T>(Away());
        if (weather.IsStopped || random.Next(100) < weather.SlowPercent) return SlowAsync(work, ct);
        try
        {
            return Task.FromResult(work(database));
        }
        catch (NpgsqlException e)
        {
            return Task.FromException<T>(e);
        }
    }

    /// <summary>A query of a reading.</summary>
    public Task<T> CallAsync<T>(IDatabaseReading reading, Func<MemoryReading, T> work, CancellationToken ct) => CallAsync(db => work(db.Checked(reading)), ct);

    private Task<T> SlowAsync<T>(Func<MemoryDatabase, T> work, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<T>();
        var began = scheduler.Now;
        // From the world, never within the turn of whoever cancels.
        if (ct.CanBeCanceled) ct.Register(() => scheduler.After(TimeSpan.Zero, () => answer.TrySetCanceled(ct)));
        scheduler.After(Delay(), Arrive);
        return answer.Task;

        void Arrive()
        {
            if (weather.IsStopped)
            {
                if (scheduler.Now - began >= StatementTime.Ticks) answer.TrySetException(new NpgsqlException("The statement was not answered in time.", new TimeoutException()));
                scheduler.After(TimeSpan.FromMilliseconds(200), Arrive);
            }
            else if (IsAway)
            {
                answer.TrySetException(Away());
            }
            else
            {
                CarryOut();
            }
        }

        void CarryOut()
        {
            T result;
            try
            {
                result = work(database);
            }
            catch (NpgsqlException e)
            {
                scheduler.After(Delay(), () => answer.TrySetException(e));
                return;
            }

            scheduler.After(Delay(), () =>
            {
                if (IsAway) answer.TrySetException(Away());
                else answer.TrySetResult(result);
            });
        }
    }

    private TimeSpan Delay() => TimeSpan.FromMilliseconds(random.Next(40));

    private static NpgsqlException Away() => new("The connection with the database is lost.");
}
