using System.Diagnostics;

namespace CN2.Bench.Lab;

/// <summary>Waits for something to become true and says how long that took; too long is an error.</summary>
internal static class Deadline
{
    public static async Task<TimeSpan> UntilAsync(string what, Func<Task<bool>> condition, int seconds = 60, int everyMilliseconds = 20)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed.TotalSeconds > seconds) throw new TimeoutException($"{what}: not within {seconds} s");
            await Task.Delay(everyMilliseconds);
        }

        return watch.Elapsed;
    }

    public static Task<TimeSpan> UntilAsync(string what, Func<bool> condition, int seconds = 60, int everyMilliseconds = 20) =>
        UntilAsync(what, () => Task.FromResult(condition()), seconds, everyMilliseconds);
}
