using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Addressing;

/// <summary>
/// A BGP community (RFC 1997), written <c>64512:100</c> or by the name of a well-known one, in capitals. The canonical text is the
/// name where there is one.
/// </summary>
public readonly record struct BgpCommunity(uint Value)
{
    /// <summary>IANA "BGP Well-known Communities": those that routers everywhere act on.</summary>
    private static readonly (string Name, uint Value)[] WellKnown =
    [
        ("GRACEFUL_SHUTDOWN", 0xFFFF0000),
        ("BLACKHOLE", 0xFFFF029A),
        ("NO_EXPORT", 0xFFFFFF01),
        ("NO_ADVERTISE", 0xFFFFFF02),
        ("NO_EXPORT_SUBCONFED", 0xFFFFFF03),
        ("NOPEER", 0xFFFFFF04),
    ];

    public static bool TryParse(string? text, out BgpCommunity community, [NotNullWhen(false)] out string? error)
    {
        community = default;
        error = null;
        foreach (var (name, value) in WellKnown)
        {
            if (!string.Equals(name, text, StringComparison.Ordinal)) continue;
            community = new BgpCommunity(value);
            return true;
        }

        var parts = (text ?? "").Split(':', 3);
        if (parts.Length == 2 && DecimalNumber.TryRead(parts[0], ushort.MaxValue, out var high) && DecimalNumber.TryRead(parts[1], ushort.MaxValue, out var low))
        {
            community = new BgpCommunity((high << 16) | low);
            return true;
        }

        error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is not a community; write two numbers from 0 to 65535, such as 64512:100, or one of {string.Join(", ", WellKnown.Select(w => w.Name))}.";
        return false;
    }

    public override string ToString()
    {
        foreach (var (name, value) in WellKnown)
            if (value == Value) return name;
        return $"{Value >> 16}:{Value & 0xFFFF}";
    }
}
