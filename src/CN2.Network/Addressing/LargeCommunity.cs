using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Addressing;

/// <summary>A BGP large community (RFC 8092), written <c>64512:1:2</c>: three numbers of 32 bits.</summary>
public readonly record struct LargeCommunity(uint GlobalAdministrator, uint LocalData1, uint LocalData2) : IComparable<LargeCommunity>
{
    public static bool TryParse(string? text, out LargeCommunity community, [NotNullWhen(false)] out string? error)
    {
        community = default;
        error = null;
        var parts = (text ?? "").Split(':', 4);
        if (parts.Length == 3
            && DecimalNumber.TryRead(parts[0], uint.MaxValue, out var administrator)
            && DecimalNumber.TryRead(parts[1], uint.MaxValue, out var data1)
            && DecimalNumber.TryRead(parts[2], uint.MaxValue, out var data2))
        {
            community = new LargeCommunity(administrator, data1, data2);
            return true;
        }

        error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is not a large community; write three numbers from 0 to {uint.MaxValue}, such as 64512:1:2.";
        return false;
    }

    public int CompareTo(LargeCommunity other) =>
        (GlobalAdministrator, LocalData1, LocalData2).CompareTo((other.GlobalAdministrator, other.LocalData1, other.LocalData2));

    public override string ToString() => $"{GlobalAdministrator}:{LocalData1}:{LocalData2}";
}
