namespace CN2.Simulation.Tests.Scheduling;

/// <summary>Something that happens at a time, unless it is cancelled before.</summary>
internal sealed class Alarm(Machine? machine, Action action)
{
    public Machine? Machine { get; } = machine;

    public bool IsOff { get; private set; }

    public void Cancel() => IsOff = true;

    public void Ring()
    {
        if (!IsOff) action();
    }
}
