namespace CN2.Network.Resources;

/// <summary>What a member of <see cref="Limits"/> bounds, in the words of docs/limits.md; a test compares the two.</summary>
/// <param name="what">The thing that is bounded.</param>
/// <param name="beyond">What one sees beyond it.</param>
/// <param name="unit">Empty for a count.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class LimitAttribute(string what, string beyond, string unit = "") : Attribute
{
    public string What { get; } = what;
    public string Beyond { get; } = beyond;
    public string Unit { get; } = unit;

    /// <summary>The line of the table in docs/limits.md.</summary>
    public string ToRow(int value) => $"| {What} | {Text(value)} | {Beyond} |";

    private string Text(int value) => Unit switch
    {
        "bytes" when value % (1024 * 1024) == 0 => $"{value / (1024 * 1024)} MiB",
        "bytes" => $"{value / 1024} KiB",
        "" => $"{value}",
        _ => $"{value} {Unit}",
    };
}
