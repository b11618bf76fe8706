using System.Globalization;

namespace CN2.Bench;

/// <summary>How long something took, or why it was given up.</summary>
/// <param name="Seconds">Until it was so, or until it was given up.</param>
/// <param name="Fault">Null: it came about.</param>
internal sealed record Outcome(double Seconds, string? Fault = null)
{
    /// <summary>For a table.</summary>
    public object Cell => Fault ?? (object)Seconds;

    public Aim AtMost(string what, double seconds) =>
        Fault is null ? Aim.AtMost(what, seconds, Seconds, " s") : new Aim(what, string.Create(CultureInfo.InvariantCulture, $"at most {seconds} s"), Fault, false, "not reached");
}
