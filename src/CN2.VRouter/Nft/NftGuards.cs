using System.Globalization;
using System.Net;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>Reads nft's listing of a set of guarded addresses: <c>address</c>, or <c>mark . address</c> in RoutingInstances. Pure.</summary>
internal static class NftGuards
{
    private const string Elements = "elements = {";

    public static IEnumerable<FloatingIPPlace> Read(string listing)
    {
        var from = listing.IndexOf(Elements, StringComparison.Ordinal);
        if (from < 0) yield break;
        from += Elements.Length;
        var to = listing.IndexOf('}', from);
        foreach (var element in listing[from..(to < 0 ? listing.Length : to)].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = element.Split(" . ", StringSplitOptions.TrimEntries);
            if (!IPAddress.TryParse(parts[^1], out var address)) continue;
            if (parts.Length == 1) yield return new FloatingIPPlace(0, address);
            else if (Mark(parts[0]) is { } mark && NftOverlay.FromVpnBy(mark) is not 0 and var instance) yield return new FloatingIPPlace(instance, address);
        }
    }

    private static uint? Mark(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mark) ? mark : null;
}
