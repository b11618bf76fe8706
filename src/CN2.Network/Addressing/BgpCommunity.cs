using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Addressing;

/// <summary>
/// A BGP community (RFC 1997), written <c>64512:100</c> or by the name of a well-known one. Names are read in any case and with '-' for
/// '_', because routers write them in both ways (<c>no-export</c>). The canonical text is IANA's name (<c>NO_EXPORT</c>) where there is one.
/// </summary>
public readonly record struct BgpCommunity(uint Value) : IComparable<BgpCommunity>
{
    /// <summary>Not to external peers (RFC 1997).</summary>
    public static readonly BgpCommunity NoExport = new(0xFFFFFF01);

    /// <summary>To no peer (RFC 1997).</summary>
    public static readonly BgpCommunity NoAdvertise = new(0xFFFFFF02);

    /// <summary>Not to external peers and not to other members of a confederation (RFC 1997).</summary>
    public static readonly BgpCommunity NoExportSubconfed = new(0xFFFFFF03);

    /// <summary>IANA "BGP Well-known Communities": RFC 8326, RFC 7999, RFC 1997 (three) and RFC 3765.</summary>
    private static readonly (string Name, BgpCommunity Value)[] WellKnown =
    [
        ("GRACEFUL_SHUTDOWN", new(0xFFFF0000)),
        ("BLACKHOLE", new(0xFFFF029A)),
        ("NO_EXPORT", NoExport),
        ("NO_ADVERTISE", NoAdvertise),
        ("NO_EXPORT_SUBCONFED", NoExportSubconfed),
        ("NOPEER", new(0xFFFFFF04)),
    ];

    /// <summary>The names that <see cref="TryParse"/> reads, in canonical spelling.</summary>
    public static IEnumerable<string> WellKnownNames => WellKnown.Select(w => w.Name);

    public static bool TryParse(string? text, out BgpCommunity community, [NotNullWhen(false)] out string? error)
    {
        community = default;
        error = null;
        foreach (var (name, value) in WellKnown)
        {
            if (text?.Length != name.Length || !string.Equals(name, text.Replace('-', '_'), StringComparison.OrdinalIgnoreCase)) continue;
            community = value;
            return true;
        }

        var parts = (text ?? "").Split(':', 3);
        if (parts.Length == 2 && DecimalNumber.TryRead(parts[0], ushort.MaxValue, out var high) && DecimalNumber.TryRead(parts[1], ushort.MaxValue, out var low))
        {
            community = new BgpCommunity((high << 16) | low);
            return true;
        }

        error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is not a community; write two numbers from 0 to 65535, such as 64512:100, or one of {string.Join(", ", WellKnownNames)}.";
        return false;
    }

    public int CompareTo(BgpCommunity other) => Value.CompareTo(other.Value);

    public override string ToString()
    {
        foreach (var (name, value) in WellKnown)
            if (value == this) return name;
        return $"{Value >> 16}:{Value & 0xFFFF}";
    }
}
