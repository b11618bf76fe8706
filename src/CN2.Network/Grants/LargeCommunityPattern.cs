using System.Diagnostics.CodeAnalysis;
using CN2.Network.Addressing;

namespace CN2.Network.Grants;

/// <summary>BGP large communities of one administrator, written <c>64512:1:*</c>: each of the last two parts is a number, a range or <c>*</c>.</summary>
public readonly record struct LargeCommunityPattern(uint Administrator, NumberRange Data1, NumberRange Data2) : IComparable<LargeCommunityPattern>
{
    public static bool TryParse(string? text, out LargeCommunityPattern pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = default;
        error = null;
        var parts = (text ?? "").Split(':', 4);
        if (parts.Length == 3
            && DecimalNumber.TryRead(parts[0], uint.MaxValue, out var administrator)
            && NumberRange.TryParse(parts[1], uint.MaxValue, out var data1)
            && NumberRange.TryParse(parts[2], uint.MaxValue, out var data2))
        {
            pattern = new LargeCommunityPattern(administrator, data1, data2);
            return true;
        }

        error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is no pattern of large communities; write an AS and twice a number, range or * (0 to {uint.MaxValue}), such as 64512:1:*.";
        return false;
    }

    public bool Matches(LargeCommunity community) =>
        community.GlobalAdministrator == Administrator && Data1.Contains(community.LocalData1) && Data2.Contains(community.LocalData2);

    public int CompareTo(LargeCommunityPattern other) => (Administrator, Data1, Data2).CompareTo((other.Administrator, other.Data1, other.Data2));

    public override string ToString() => $"{Administrator}:{Data1.ToText(uint.MaxValue)}:{Data2.ToText(uint.MaxValue)}";
}
