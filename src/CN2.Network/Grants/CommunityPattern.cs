using System.Diagnostics.CodeAnalysis;
using CN2.Network.Addressing;

namespace CN2.Network.Grants;

/// <summary>
/// BGP communities, written <c>64512:100</c>, <c>64512:100-199</c> or <c>64512:*</c>, or by the name of a well-known one (<c>NO_EXPORT</c>). A
/// well-known community is granted by its name or by its number; <c>64512:*</c> grants none of them.
/// </summary>
public readonly record struct CommunityPattern(uint AutonomousSystem, NumberRange Values) : IComparable<CommunityPattern>
{
    public static bool TryParse(string? text, out CommunityPattern pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = default;
        error = null;
        if (BgpCommunity.TryParse(text, out var one, out _))
        {
            pattern = new CommunityPattern(one.Value >> 16, new NumberRange(one.Value & 0xFFFF, one.Value & 0xFFFF));
            return true;
        }

        var parts = (text ?? "").Split(':', 3);
        if (parts.Length == 2 && DecimalNumber.TryRead(parts[0], ushort.MaxValue, out var system) && NumberRange.TryParse(parts[1], ushort.MaxValue, out var values))
        {
            pattern = new CommunityPattern(system, values);
            return true;
        }

        error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is no pattern of communities; write an AS and a number, range or * (0 to 65535), such as 64512:* or 64512:100-199, or one of {string.Join(", ", BgpCommunity.WellKnownNames)}.";
        return false;
    }

    public bool Matches(BgpCommunity community) => community.Value >> 16 == AutonomousSystem && Values.Contains(community.Value & 0xFFFF);

    public int CompareTo(CommunityPattern other) => (AutonomousSystem, Values).CompareTo((other.AutonomousSystem, other.Values));

    public override string ToString() => Values.First == Values.Last
        ? new BgpCommunity((AutonomousSystem << 16) | Values.First).ToString() : $"{AutonomousSystem}:{Values.ToText(ushort.MaxValue)}";
}
