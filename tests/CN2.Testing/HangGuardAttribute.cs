using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Xunit;
using Xunit.v3;

namespace CN2.Testing;

/// <summary>
/// For a whole test assembly: a test that hangs is cancelled, so that its stack trace says where it waits; if it goes on all the same, or no test begins
/// or ends, the process ends with the names of what ran. Without it, a hung run only ends at the time limit of its caller and says nothing.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class HangGuardAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan CancelAfter = Patience.Seconds(8 * 60);
    private static readonly TimeSpan EndAfter = Patience.Seconds(12 * 60);

    private static readonly ConcurrentDictionary<string, Running> Tests = new();
    private static readonly Timer Watch = new(_ => Look(), null, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    private static long _lastEvent = Stopwatch.GetTimestamp();

    private sealed record Running(string Name, ITestContext Context, long Since)
    {
        public TimeSpan For => Stopwatch.GetElapsedTime(Since);
    }

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        GC.KeepAlive(Watch);
        Tests[test.UniqueID] = new(test.TestDisplayName, TestContext.Current, Stopwatch.GetTimestamp());
        Volatile.Write(ref _lastEvent, Stopwatch.GetTimestamp());
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        Tests.TryRemove(test.UniqueID, out _);
        Volatile.Write(ref _lastEvent, Stopwatch.GetTimestamp());
    }

    private static void Look()
    {
        foreach (var test in Tests.Values.Where(t => t.For > CancelAfter)) test.Context.CancelCurrentTest();
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref _lastEvent)) < EndAfter && Tests.Values.All(t => t.For < EndAfter)) return;
        var running = Tests.Values.OrderByDescending(t => t.For).Select(t => $"{Environment.NewLine}  {t.For.TotalSeconds:0} s: {t.Name}");
        Environment.FailFast($"The tests hang. What runs:{string.Concat(running)}");
    }
}
