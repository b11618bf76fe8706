using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CN2.Network.Addressing;

/// <summary>
/// Strict reading of addresses: only the canonical text (IPv4 dotted quad, IPv6 as RFC 5952) is accepted, so that an address has one
/// spelling in the store, in unique constraints and in users' scripts. The error is a sentence that names the text and what is wrong.
/// </summary>
public static class AddressSyntax
{
    /// <summary>The longest IPv6 text; longer text is refused before it is parsed.</summary>
    private const int MaxAddressLength = 45;

    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdefABCDEF.:");

    public static bool TryParseAddress(string? text, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        error = null;
        if (string.IsNullOrEmpty(text)) error = "An address is missing.";
        else if (text.Length > MaxAddressLength) error = $"'{text[..MaxAddressLength]}…' is too long for an address.";
        else if (text.Contains('%', StringComparison.Ordinal)) error = $"'{text}' has a zone; give the address without it.";
        else if (text.Contains('/', StringComparison.Ordinal)) error = $"'{text}' is a network; give an address without a prefix length.";
        else if (text.AsSpan().ContainsAnyExcept(AddressCharacters) || !IPAddress.TryParse(text, out var parsed))
            error = $"'{text}' is not an IPv4 or IPv6 address.";
        else if (parsed.AddressFamily == AddressFamily.InterNetwork && !string.Equals(parsed.ToString(), text, StringComparison.Ordinal))
            error = $"'{text}' is not an IPv4 address written as four decimal numbers without leading zeros, such as 100.0.0.4.";
        else if (parsed.IsIPv4MappedToIPv6) error = $"'{text}' is an IPv4 address inside IPv6; write {parsed.MapToIPv4()}.";
        else if (!string.Equals(parsed.ToString(), text, StringComparison.Ordinal)) error = $"'{text}' is not in canonical form; write {parsed}.";
        else address = parsed;
        return error is null;
    }

    /// <summary>An address of the given family.</summary>
    public static bool TryParseAddress(
        string? text, IPFamily family, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? error)
    {
        if (!TryParseAddress(text, out address, out error)) return false;
        if (address.FamilyOf() == family) return true;
        error = $"'{text}' is an {address.FamilyOf()} address; {family} is needed here.";
        address = null;
        return false;
    }

    /// <summary>A network written <c>base/length</c>: no bits set after the prefix, no leading zeros.</summary>
    public static bool TryParseNetwork(string? text, out IPNetwork network, [NotNullWhen(false)] out string? error)
    {
        network = default;
        if (string.IsNullOrEmpty(text))
        {
            error = "A network is missing.";
            return false;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            error = $"'{(text.Length > MaxAddressLength ? text[..MaxAddressLength] + "…" : text)}' is not a network; write it with its prefix length, such as 100.0.0.0/24.";
            return false;
        }

        if (!TryParseAddress(text[..slash], out var address, out error)) return false;
        var family = address.FamilyOf();
        var bits = AddressArithmetic.BitsOf(family);
        var lengthText = text[(slash + 1)..];
        if (!int.TryParse(lengthText, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > bits
            || lengthText.Length != length.ToString(CultureInfo.InvariantCulture).Length)
        {
            error = $"The prefix length in '{text[..slash]}/{(lengthText.Length > 8 ? lengthText[..8] + "…" : lengthText)}' is not a number from 0 to {bits} without leading zeros.";
            return false;
        }

        var masked = Mask(address, length);
        if (!masked.Equals(address))
        {
            error = $"'{text}' has bits set after the prefix; write {masked}/{length}.";
            return false;
        }

        network = new IPNetwork(address, length);
        error = null;
        return true;
    }

    /// <summary>A single address, or <c>first-last</c> of one family in ascending order.</summary>
    public static bool TryParseRange(string? text, [NotNullWhen(true)] out AddressRange? range, [NotNullWhen(false)] out string? error)
    {
        range = null;
        var dash = text?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        if (dash < 0)
        {
            if (!TryParseAddress(text, out var single, out error)) return false;
            range = new AddressRange(single, single);
            return true;
        }

        return TryParseAddress(text![..dash], out var first, out error)
            && TryParseAddress(text[(dash + 1)..], out var last, out error)
            && TryMakeRange(first, last, out range, out error);
    }

    public static bool TryMakeRange(IPAddress first, IPAddress last, [NotNullWhen(true)] out AddressRange? range, [NotNullWhen(false)] out string? error)
    {
        range = null;
        error = null;
        if (first.FamilyOf() != last.FamilyOf()) error = $"The range {first}-{last} mixes IPv4 and IPv6.";
        else if (first.ToNumber() > last.ToNumber()) error = $"The range {first}-{last} runs backwards; write {last}-{first}.";
        else range = new AddressRange(first, last);
        return error is null;
    }

    private static IPAddress Mask(IPAddress address, int length)
    {
        var family = address.FamilyOf();
        var hostBits = AddressArithmetic.BitsOf(family) - length;
        var mask = hostBits == 128 ? UInt128.Zero : UInt128.MaxValue << hostBits;
        return AddressArithmetic.ToAddress(address.ToNumber() & mask, family);
    }
}
