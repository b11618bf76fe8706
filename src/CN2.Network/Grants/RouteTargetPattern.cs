using System.Diagnostics.CodeAnalysis;
using CN2.Network.Addressing;

namespace CN2.Network.Grants;

/// <summary>
/// Route targets of one administrator, written like a route target with a number, a range or <c>*</c> at its end: <c>target:64512:100</c>,
/// <c>target:64512:100-199</c>, <c>target:10.2.2.2:*</c>, <c>target:4200000000:1-9</c>.
/// </summary>
public readonly record struct RouteTargetPattern(RouteTargetKind Kind, uint Administrator, NumberRange Numbers) : IComparable<RouteTargetPattern>
{
    private const string Shape = "write target:<AS or IPv4 address>:<number, range or *>, such as target:64512:100-199";

    /// <summary>The pattern that only this route target matches.</summary>
    public static RouteTargetPattern Of(RouteTarget target) => new(target.Kind, target.Administrator, new NumberRange(target.Number, target.Number));

    public static bool TryParse(string? text, out RouteTargetPattern pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = default;
        var end = text?.LastIndexOf(':') ?? -1;
        if (end < 0 || text!.Length > 64)
        {
            error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is no pattern of route targets; {Shape}.";
            return false;
        }

        // The administrator is read as that of a route target, whose rules are the same.
        if (!RouteTarget.TryParse($"{text[..end]}:0", out var first, out error)) return false;
        var largest = LargestOf(first.Kind);
        if (!NumberRange.TryParse(text[(end + 1)..], largest, out var numbers))
        {
            error = $"'{text}' does not end in a number, an ascending range or * within 0 to {largest}; {Shape}.";
            return false;
        }

        pattern = new RouteTargetPattern(first.Kind, first.Administrator, numbers);
        return true;
    }

    /// <summary>What is left of it without the range of the automatic route targets that this one belongs to: nobody is granted those of another's network.</summary>
    public IEnumerable<RouteTargetPattern> WithoutAutomatic(RouteTarget automatic)
    {
        var (first, last) = RouteTarget.AutomaticNumbers(automatic.Kind);
        if (automatic.Kind != Kind || automatic.Administrator != Administrator || Numbers.Last < first || Numbers.First > last) return [this];
        var left = new List<RouteTargetPattern>();
        if (Numbers.First < first) left.Add(this with { Numbers = new NumberRange(Numbers.First, first - 1) });
        if (Numbers.Last > last) left.Add(this with { Numbers = new NumberRange(last + 1, Numbers.Last) });
        return left;
    }

    public bool Matches(RouteTarget target) => target.Kind == Kind && target.Administrator == Administrator && Numbers.Contains(target.Number);

    public int CompareTo(RouteTargetPattern other) => (Kind, Administrator, Numbers).CompareTo((other.Kind, other.Administrator, other.Numbers));

    public override string ToString()
    {
        var text = new RouteTarget(Kind, Administrator, 0).ToString();
        return text[..(text.LastIndexOf(':') + 1)] + Numbers.ToText(LargestOf(Kind));
    }

    /// <summary>The largest number behind an administrator of this form.</summary>
    internal static uint LargestOf(RouteTargetKind kind) => kind == RouteTargetKind.TwoOctetAS ? uint.MaxValue : ushort.MaxValue;
}
