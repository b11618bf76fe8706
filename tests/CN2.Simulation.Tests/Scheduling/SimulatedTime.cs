namespace CN2.Simulation.Tests.Scheduling;

/// <summary>The clock of one machine: its timers and its monotonic clock follow the scheduler, its wall clock may be wrong.</summary>
internal sealed class SimulatedTime(Scheduler scheduler, Machine machine) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => scheduler.Now;

    /// <summary>By a clock that is right.</summary>
    public static DateTimeOffset At(long now) => Start + TimeSpan.FromTicks(now);

    public override DateTimeOffset GetUtcNow() => At(scheduler.Now) + machine.ClockError;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(scheduler, machine, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimulatedTimer(Scheduler scheduler, Machine machine, TimerCallback callback, object? state) : ITimer
    {
        private Alarm? _alarm;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _alarm?.Cancel();
            _alarm = null;
            if (dueTime == Timeout.InfiniteTimeSpan || machine.IsDead) return true;
            _alarm = scheduler.After(machine, dueTime, () =>
            {
                if (period > TimeSpan.Zero) Change(period, period);
                callback(state);
            });
            return true;
        }

        public void Dispose() => _alarm?.Cancel();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
