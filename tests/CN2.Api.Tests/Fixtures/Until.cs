using System.Diagnostics;

namespace CN2.Api.Tests.Fixtures;

/// <summary>Waits for something to become true, looking often; fails when it does not in time.</summary>
public static class Until
{
    public static async Task TrueAsync(Func<Task<bool>> condition, int seconds = 15)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(seconds), $"it did not become true within {seconds} s");
            await Task.Delay(20);
        }
    }
}
