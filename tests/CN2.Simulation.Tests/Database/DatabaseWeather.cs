namespace CN2.Simulation.Tests.Database;

/// <summary>What troubles the database at the moment.</summary>
internal sealed class DatabaseWeather
{
    /// <summary>It refuses connections.</summary>
    public bool IsDown { get; set; }

    /// <summary>Its processes are stopped: calls wait.</summary>
    public bool IsStopped { get; set; }

    /// <summary>How many of a hundred calls take time; the others are answered at once.</summary>
    public int SlowPercent { get; set; } = 20;
}
