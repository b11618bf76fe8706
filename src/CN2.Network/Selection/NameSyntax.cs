namespace CN2.Network.Selection;

/// <summary>DNS-1123 names and Kubernetes' label syntax. Every method returns null, or a sentence that says what is wrong.</summary>
public static class NameSyntax
{
    public const int MaxLabelLength = 63;
    public const int MaxSubdomainLength = 253;

    /// <summary>A name that a user chooses for a resource.</summary>
    public static string? FaultOfDnsLabel(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "A name is missing.";
        if (text.Length > MaxLabelLength) return $"The name has {text.Length} characters; at most {MaxLabelLength} are allowed.";
        return IsDnsLabel(text) ? null : $"'{text}' is not a DNS-1123 label: lower-case letters, digits and '-', beginning and ending with a letter or digit.";
    }

    /// <summary>A name that the product makes, such as a FloatingIP's: labels joined by dots.</summary>
    public static string? FaultOfDnsSubdomain(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "A name is missing.";
        if (text.Length > MaxSubdomainLength) return $"The name has {text.Length} characters; at most {MaxSubdomainLength} are allowed.";
        return IsDnsSubdomain(text)
            ? null
            : $"'{text}' is not a DNS-1123 subdomain: lower-case letters, digits, '-' and '.', every part beginning and ending with a letter or digit.";
    }

    /// <summary>A label key: <c>[prefix/]name</c>.</summary>
    public static string? FaultOfLabelKey(string? key)
    {
        if (string.IsNullOrEmpty(key)) return "A label key is missing.";
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key.AsSpan(slash + 1);
        if (slash >= 0 && (slash > MaxSubdomainLength || !IsDnsSubdomain(key.AsSpan(0, slash))))
            return $"The prefix of label key '{Shortened(key)}' is not a DNS-1123 subdomain of at most {MaxSubdomainLength} characters.";
        if (name.IsEmpty || name.Length > MaxLabelLength || !IsQualified(name))
            return $"Label key '{Shortened(key)}' must be letters, digits, '-', '_' and '.', begin and end with a letter or digit, and have at most {MaxLabelLength} characters after an optional 'prefix/'.";
        return null;
    }

    /// <summary>A label value; it may be empty.</summary>
    public static string? FaultOfLabelValue(string? value)
    {
        if (value is null) return "A label value is missing.";
        return value.Length == 0 || (value.Length <= MaxLabelLength && IsQualified(value))
            ? null
            : $"Label value '{Shortened(value)}' must be letters, digits, '-', '_' and '.', begin and end with a letter or digit, and have at most {MaxLabelLength} characters.";
    }

    private static string Shortened(string text) => text.Length > 80 ? text[..80] + "…" : text;

    private static bool IsDnsLabel(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] == '-' || text[^1] == '-') return false;
        foreach (var c in text)
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        return true;
    }

    private static bool IsDnsSubdomain(ReadOnlySpan<char> text)
    {
        foreach (var part in text.Split('.'))
            if (!IsDnsLabel(text[part])) return false;
        return true;
    }

    private static bool IsQualified(ReadOnlySpan<char> text)
    {
        if (!char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1])) return false;
        foreach (var c in text)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        return true;
    }
}
