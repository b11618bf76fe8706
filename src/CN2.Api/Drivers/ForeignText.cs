using System.Text;
using CN2.Network.Resources;

namespace CN2.Api.Drivers;

/// <summary>Texts that agents, routers and the BGP engine say.</summary>
internal static class ForeignText
{
    /// <summary>
    /// A text as it may be stored and shown: control characters and halves of surrogate pairs are spaces, and what is beyond 1 KiB of UTF-8 is
    /// cut. Null when nothing is left.
    /// </summary>
    public static string? Of(string text)
    {
        var result = new StringBuilder();
        var bytes = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) || rune == Rune.ReplacementChar ? new Rune(' ') : rune;
            if (bytes + shown.Utf8SequenceLength > Limits.ForeignText - 3)
            {
                result.Append('…'); // 3 bytes
                break;
            }

            bytes += shown.Utf8SequenceLength;
            result.Append(shown.ToString());
        }

        var shownText = result.ToString().Trim();
        return shownText.Length == 0 ? null : shownText;
    }
}
