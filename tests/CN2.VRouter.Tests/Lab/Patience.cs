using System.Globalization;

namespace CN2.VRouter.Tests.Lab;

/// <summary>How long a test waits for what should come. CN2_TEST_SLOWNESS: how many times longer on a slow machine, such as an emulated one.</summary>
internal static class Patience
{
    private static readonly double Slowness = double.Parse(Environment.GetEnvironmentVariable("CN2_TEST_SLOWNESS") ?? "1", CultureInfo.InvariantCulture);

    public static bool IsLong => Slowness > 1;

    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds * Slowness);
}
