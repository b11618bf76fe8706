using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.World;

/// <summary>The last things that happened, for the report of a failure.</summary>
internal sealed class Trace(Scheduler scheduler, bool isOn)
{
    private const int Kept = 20_000;

    private readonly Queue<string> _lines = new();

    public bool IsOn { get; } = isOn;

    public void Add(string line)
    {
        if (!IsOn) return;
        _lines.Enqueue($"{TimeSpan.FromTicks(scheduler.Now).TotalSeconds,10:F3} {line}");
        if (_lines.Count > Kept) _lines.Dequeue();
    }

    public override string ToString() => string.Join('\n', _lines);
}
