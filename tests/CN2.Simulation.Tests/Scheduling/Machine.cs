namespace CN2.Simulation.Tests.Scheduling;

/// <summary>
/// One process: every task of it goes on here after an await. A killed process runs nothing more, not even its exception handlers, which is
/// what kill -9 does; a stopped one (SIGSTOP) runs what it missed when it is continued.
/// </summary>
internal sealed class Machine(Scheduler scheduler, string name) : SynchronizationContext
{
    private readonly List<Turn> _parked = [];

    public string Name { get; } = name;

    public bool IsDead { get; private set; }

    public bool IsStopped { get; private set; }

    /// <summary>How far the wall clock of this machine is from the true time; its monotonic clock is right.</summary>
    public TimeSpan ClockError { get; set; }

    public void Kill()
    {
        IsDead = true;
        _parked.Clear();
    }

    public void Stop() => IsStopped = true;

    public void Continue()
    {
        IsStopped = false;
        foreach (var turn in _parked) scheduler.Post(turn.Machine, turn.Callback, turn.State);
        _parked.Clear();
    }

    /// <summary>True: the machine is stopped and keeps the turn for later.</summary>
    public bool Park(Turn turn)
    {
        if (IsStopped) _parked.Add(turn);
        return IsStopped;
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsDead) scheduler.Post(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing may block here.");

    public override SynchronizationContext CreateCopy() => this;
}
