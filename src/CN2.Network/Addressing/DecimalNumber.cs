using System.Globalization;

namespace CN2.Network.Addressing;

/// <summary>Decimal numbers with one spelling: digits only, no leading zeros.</summary>
internal static class DecimalNumber
{
    public static bool TryRead(string text, uint largest, out uint value) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
        && value <= largest
        && (text.Length == 1 || text[0] != '0');
}
