using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace CN2.Testing;

/// <summary>
/// Waits until a condition is true and looks often. When it is not true in time it throws, with what the caller saw last. The limits are
/// seconds on a normal machine; see <see cref="Patience"/>.
/// </summary>
public static class Eventually
{
    /// <param name="condition">What must become true.</param>
    /// <param name="what">The same in words; by default the condition's source text.</param>
    /// <param name="seconds">Longest time to wait.</param>
    /// <param name="seen">What to print when the time is over.</param>
    /// <param name="everyMilliseconds">Time between two looks.</param>
    /// <param name="expression">Filled in by the compiler.</param>
    public static async Task TrueAsync(Func<Task<bool>> condition, string? what = null, double seconds = 20, Func<string>? seen = null, int everyMilliseconds = 20,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Check(clock, what ?? expression, seconds, seen);
            await Task.Delay(everyMilliseconds);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, string?, double, Func{string}?, int, string)"/>
    public static Task TrueAsync(Func<bool> condition, string? what = null, double seconds = 20, Func<string>? seen = null, int everyMilliseconds = 20,
        [CallerArgumentExpression(nameof(condition))] string expression = "") =>
        TrueAsync(() => Task.FromResult(condition()), what ?? expression, seconds, seen, everyMilliseconds);

    /// <summary>The same for constructors: it blocks the thread.</summary>
    public static void True(Func<bool> condition, string what, double seconds = 20, Func<string>? seen = null)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Check(clock, what, seconds, seen);
            Thread.Sleep(20);
        }
    }

    /// <summary>Looks often for a while and throws as soon as the condition is false: for something that must not happen.</summary>
    public static async Task StaysAsync(Func<bool> condition, string what, TimeSpan duration)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < duration)
        {
            if (!condition()) throw new InvalidOperationException($"Not after {clock.Elapsed.TotalSeconds:0.0} s any more: {what}");
            await Task.Delay(25);
        }
    }

    private static void Check(Stopwatch clock, string what, double seconds, Func<string>? seen)
    {
        if (clock.Elapsed > Patience.Seconds(seconds)) throw new TimeoutException($"Not within {Patience.Seconds(seconds).TotalSeconds:0.#} s: {what}. Seen: {seen?.Invoke()}");
    }
}
