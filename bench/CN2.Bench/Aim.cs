using System.Globalization;

namespace CN2.Bench;

/// <summary>A figure the project wants to reach, and what was measured. Missing one is said, never an error.</summary>
internal sealed record Aim(string What, string Target, string Measured, bool Holds, string Shortfall)
{
    public static Aim AtLeast(string what, double target, double measured, string unit) => Of(what, "at least", target, measured, unit, measured >= target);

    public static Aim AtMost(string what, double target, double measured, string unit) => Of(what, "at most", target, measured, unit, measured <= target);

    public static Aim Under(string what, double target, double measured, string unit) => Of(what, "under", target, measured, unit, measured < target);

    /// <summary>Nothing but what was expected.</summary>
    public static Aim Exactly(string what, long target, long measured) => new(what, $"exactly {target}", $"{measured}", measured == target, $"off by {measured - target}");

    private static Aim Of(string what, string relation, double target, double measured, string unit, bool holds) => new(
        what, $"{relation} {Number(target)}{unit}", $"{Number(measured)}{unit}", holds, string.Create(CultureInfo.InvariantCulture, $"short by {Math.Abs(measured - target) / target:P0}"));

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);
}
