using System.Globalization;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Communities as users write them: <c>64512:100</c> or the name of a well-known one in capitals; large ones (RFC 8092) as <c>64512:1:2</c>.</summary>
internal static class BgpCommunity
{
    public const uint NoExport = 0xFFFFFF01;
    public const uint NoAdvertise = 0xFFFFFF02;
    public const uint NoExportSubconfed = 0xFFFFFF03;

    public static bool TryParse(string? text, out uint value)
    {
        var known = CN2.Network.Addressing.BgpCommunity.TryParse(text, out var community, out _);
        value = community.Value;
        return known;
    }

    public static string Format(uint value) => string.Create(CultureInfo.InvariantCulture, $"{value >> 16}:{value & 0xFFFF}");

    public static bool TryParseLarge(string? text, out LargeCommunityValue value)
    {
        value = default;
        var parts = text?.Split(':');
        if (parts is not { Length: 3 } || !TryNumber(parts[0], uint.MaxValue, out var global)
            || !TryNumber(parts[1], uint.MaxValue, out var first) || !TryNumber(parts[2], uint.MaxValue, out var second))
            return false;
        value = new(global, first, second);
        return true;
    }

    private static bool TryNumber(string text, uint max, out uint value) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= max;
}

internal readonly record struct LargeCommunityValue(uint GlobalAdmin, uint Data1, uint Data2) : IComparable<LargeCommunityValue>
{
    public int CompareTo(LargeCommunityValue other) =>
        (GlobalAdmin, Data1, Data2).CompareTo((other.GlobalAdmin, other.Data1, other.Data2));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{GlobalAdmin}:{Data1}:{Data2}");
}
