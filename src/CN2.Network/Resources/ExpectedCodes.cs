using System.Diagnostics.CodeAnalysis;
using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>The HTTP status codes of a healthy endpoint: codes from 100 to 599 and ranges of them, written <c>200-299,304</c>.</summary>
public sealed record ExpectedCodes(EquatableList<HttpStatusRange> Ranges)
{
    private const int MaxLength = 256;

    /// <summary>CN2's default: every 2xx.</summary>
    public static ExpectedCodes Default { get; } = new([new HttpStatusRange(200, 299)]);

    /// <param name="error">A sentence that names the text.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ExpectedCodes? codes, [NotNullWhen(false)] out string? error)
    {
        codes = null;
        error = null;
        var ranges = new List<HttpStatusRange>();
        var readable = text is { Length: <= MaxLength };
        foreach (var part in readable ? text!.Split(',', StringSplitOptions.TrimEntries) : [])
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            readable &= TryReadCode(dash < 0 ? part : part[..dash], out var first) & TryReadCode(part[(dash + 1)..], out var last) && first <= last;
            ranges.Add(new HttpStatusRange(first, last));
        }

        if (readable) codes = new ExpectedCodes(ranges.ToEquatableList());
        else error = $"'{(text is { Length: > 64 } ? text[..64] + "…" : text)}' is not a list of codes and ranges from 100 to 599, such as 200-299,304.";
        return readable;
    }

    public bool Contains(int code) => Ranges.Any(r => code >= r.First && code <= r.Last);

    public override string ToString() => string.Join(',', Ranges);

    private static bool TryReadCode(string text, out int code)
    {
        var readable = text.Length == 3 && text[0] is >= '1' and <= '5' && char.IsAsciiDigit(text[1]) && char.IsAsciiDigit(text[2]);
        code = readable ? ((text[0] - '0') * 100) + ((text[1] - '0') * 10) + (text[2] - '0') : 0;
        return readable;
    }
}
