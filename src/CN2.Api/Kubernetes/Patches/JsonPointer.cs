using System.Globalization;

namespace CN2.Api.Kubernetes.Patches;

/// <summary>A JSON pointer (RFC 6901): the names and indexes from the whole document down to a value.</summary>
internal sealed class JsonPointer
{
    private readonly string _text;

    private JsonPointer(string text, IReadOnlyList<string> tokens) => (_text, Tokens) = (text, tokens);

    public IReadOnlyList<string> Tokens { get; }

    /// <summary>Null: it does not begin with a slash, or has a tilde that escapes nothing.</summary>
    public static JsonPointer? Parse(string text)
    {
        if (text.Length == 0) return new JsonPointer(text, []);
        if (text[0] != '/') return null;
        var tokens = text[1..].Split('/');
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            if (!token.Contains('~', StringComparison.Ordinal)) continue;
            for (var at = token.IndexOf('~', StringComparison.Ordinal); at >= 0; at = token.IndexOf('~', at + 1))
            {
                if (at + 1 >= token.Length || token[at + 1] is not ('0' or '1')) return null;
            }

            tokens[i] = token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        }

        return new JsonPointer(text, tokens);
    }

    /// <summary>The place in a list that a token names; null: none below <paramref name="end"/>.</summary>
    public static int? IndexOf(string token, int end) =>
        token.Length is > 0 and < 10 && token.All(char.IsAsciiDigit) && (token.Length == 1 || token[0] != '0')
            && int.Parse(token, CultureInfo.InvariantCulture) is var index && index < end ? index : null;

    /// <summary>The other points to something inside of what this one points to.</summary>
    public bool IsAbove(JsonPointer other) =>
        other.Tokens.Count > Tokens.Count && Tokens.SequenceEqual(other.Tokens.Take(Tokens.Count), StringComparer.Ordinal);

    public override string ToString() => _text;
}
