namespace CN2.Simulation.Tests.Scheduling;

/// <summary>
/// The only scheduler and the only clock: one thread runs everything. What is ready at the same moment runs in an order that the seed
/// decides, as it would on a machine with several processors. Time moves only when nothing is ready.
/// </summary>
internal sealed class Scheduler(Random random)
{
    private readonly PriorityQueue<Alarm, (long Due, long Sequence)> _alarms = new();
    private readonly List<Turn> _ready = [];
    private long _sequence;

    /// <summary>Since the start of the simulation, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    /// <summary>Turns that were run.</summary>
    public long Turns { get; private set; }

    /// <summary>An exception that nothing handled; the simulation ends with it.</summary>
    public Exception? Failure { get; private set; }

    public void Post(Machine machine, SendOrPostCallback callback, object? state) => _ready.Add(new Turn(machine, callback, state));

    /// <summary>An event of the world: it happens whatever becomes of a machine.</summary>
    public Alarm After(TimeSpan delay, Action action) => After(null, delay, action);

    /// <summary>An event of one machine: it does not happen when the machine is dead, and waits while the machine is stopped.</summary>
    public Alarm After(Machine? machine, TimeSpan delay, Action action)
    {
        var alarm = new Alarm(machine, action);
        _alarms.Enqueue(alarm, (Now + Math.Max(0, delay.Ticks), _sequence++));
        return alarm;
    }

    /// <summary>Runs everything that is ready and due until <paramref name="span"/> has passed.</summary>
    public void Run(TimeSpan span)
    {
        var end = Now + span.Ticks;
        while (Failure is null)
        {
            RunReady();
            if (!_alarms.TryPeek(out _, out var next) || next.Due > end) break;
            Now = Math.Max(Now, next.Due);
            while (_alarms.TryPeek(out var alarm, out var due) && due.Due <= Now)
            {
                _alarms.Dequeue();
                Ring(alarm);
            }
        }

        Now = end;
    }

    private void RunReady()
    {
        while (_ready.Count > 0 && Failure is null)
        {
            var index = random.Next(_ready.Count);
            var turn = _ready[index];
            _ready[index] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            if (turn.Machine.IsDead) continue;
            if (turn.Machine.Park(turn)) continue;
            Turns++;
            Execute(turn.Machine, turn.Callback, turn.State);
        }
    }

    private void Ring(Alarm alarm)
    {
        if (alarm.IsOff) return;
        if (alarm.Machine is { } machine)
        {
            Post(machine, static a => ((Alarm)a!).Ring(), alarm);
            return;
        }

        Turns++;
        Execute(null, static a => ((Alarm)a!).Ring(), alarm);
    }

    private void Execute(Machine? machine, SendOrPostCallback callback, object? state)
    {
        SynchronizationContext.SetSynchronizationContext(machine);
        try
        {
            callback(state);
        }
        catch (Exception e)
        {
            Failure = e;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }
}
