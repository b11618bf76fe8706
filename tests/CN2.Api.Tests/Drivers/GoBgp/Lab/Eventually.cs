namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>Waits for what is about to come true, and says what was seen last when it does not.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<bool> condition, string what, int seconds = 20, Func<string>? seen = null)
    {
        await TrueAsync(() => Task.FromResult(condition()), what, seconds, seen);
    }

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, int seconds = 20, Func<string>? seen = null)
    {
        var deadline = DateTime.UtcNow.AddSeconds(seconds);
        while (!await condition())
        {
            if (DateTime.UtcNow > deadline) Assert.Fail($"Not within {seconds} s: {what}. Seen: {seen?.Invoke()}");
            await Task.Delay(25);
        }
    }

    /// <summary>Stays so for a while; for what must not happen.</summary>
    public static async Task StaysAsync(Func<bool> condition, string what, TimeSpan duration)
    {
        var deadline = DateTime.UtcNow + duration;
        while (DateTime.UtcNow < deadline)
        {
            Assert.True(condition(), what);
            await Task.Delay(25);
        }
    }
}
