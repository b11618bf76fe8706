using System.Globalization;

namespace CN2.Api.Kubernetes.Forms;

/// <summary>One alternative of an Accept header.</summary>
/// <param name="MediaType">In small letters, without parameters. Kubernetes has types that RFC 9110 does not allow, with an @.</param>
/// <param name="As">The kind it is to be converted to; null: none.</param>
/// <param name="Group">The group of that kind.</param>
/// <param name="Version">The version of that kind.</param>
internal sealed record AcceptClause(string MediaType, string? As, string? Group, string? Version)
{
    /// <summary>More alternatives are not read.</summary>
    private const int Most = 64;

    /// <summary>The alternatives of a header, the most wanted first; those with a quality of 0 are left out. No header means anything.</summary>
    public static IReadOnlyList<AcceptClause> Parse(string? accept)
    {
        if (string.IsNullOrWhiteSpace(accept)) return [new("*/*", null, null, null)];
        return
        [
            .. accept.Split(',', Most + 1, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(Most)
                .Select(Read).Where(c => c.Quality > 0).OrderByDescending(c => c.Quality).Select(c => c.Clause),
        ];
    }

    /// <summary>Whether an answer of this type is one that the clause takes.</summary>
    public bool Takes(string mediaType) => MediaType == "*/*" || MediaType == mediaType || (MediaType.EndsWith("/*", StringComparison.Ordinal) && mediaType.StartsWith(MediaType[..^1], StringComparison.Ordinal));

    private static (AcceptClause Clause, double Quality) Read(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries);
        var quality = 1.0;
        string? kind = null, group = null, version = null;
        foreach (var part in parts.Skip(1))
        {
            if (part.Split('=', 2, StringSplitOptions.TrimEntries) is not [var name, var value]) continue;
            value = value.Trim('"');
            switch (name)
            {
                case "as": kind = value; break;
                case "g": group = value; break;
                case "v": version = value; break;
                case "q": quality = double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var read) ? read : 1; break;
            }
        }

        return (new(parts[0].ToLowerInvariant(), kind, group, version), quality);
    }
}
