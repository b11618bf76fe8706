using System.Diagnostics;

namespace CN2.Bench;

/// <summary>What is being done, on standard error with the time since the start; the figures go to standard output.</summary>
internal static class Progress
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);
    private static readonly Stopwatch Clock = Stopwatch.StartNew();
    private static TimeSpan _last = TimeSpan.MinValue;

    public static TimeSpan Elapsed => Clock.Elapsed;

    public static void Step(FormattableString what)
    {
        _last = Clock.Elapsed;
        Console.Error.WriteLine($"{_last:mm\\:ss}  {FormattableString.Invariant(what)}");
    }

    /// <summary>For what comes often: one line in ten seconds at most.</summary>
    public static void Still(FormattableString what)
    {
        if (Clock.Elapsed - _last >= Pace) Step(what);
    }
}
