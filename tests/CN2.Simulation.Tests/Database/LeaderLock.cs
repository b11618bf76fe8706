using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Database;

/// <summary>The advisory lock of the leader. It belongs to a session, which ends with its process and with the database.</summary>
internal sealed class LeaderLock
{
    private Machine? _holder;

    public bool TryTake(Machine machine)
    {
        if (_holder is { IsDead: false } holder && holder != machine) return false;
        _holder = machine;
        return true;
    }

    public bool IsHeldBy(Machine machine) => _holder == machine;

    /// <summary>The database restarted, or the session's connection was lost.</summary>
    public void Break() => _holder = null;
}
