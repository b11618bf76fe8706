using System.Globalization;

namespace CN2.Testing;

/// <summary>How long to wait for what should come. CN2_TEST_SLOWNESS: how many times longer on a slow machine, such as an emulated one; default 1.</summary>
public static class Patience
{
    private static readonly double Slowness = double.Parse(Environment.GetEnvironmentVariable("CN2_TEST_SLOWNESS") ?? "1", CultureInfo.InvariantCulture);

    public static bool IsLong => Slowness > 1;

    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds * Slowness);
}
