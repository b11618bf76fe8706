using CN2.Network.Resources;
using Microsoft.Extensions.Primitives;

namespace CN2.Api.Authentication;

/// <summary>The header <c>Authorization: Bearer …</c> (RFC 6750).</summary>
internal static class BearerToken
{
    private const string Scheme = "Bearer";

    /// <summary>The token, or what is wrong with the header as a whole sentence; neither: there is no such header.</summary>
    public static (string? Token, string? Fault) Read(StringValues header)
    {
        if (header.Count == 0) return (null, null);
        if (header.Count > 1) return (null, "there are several Authorization headers");
        var text = header[0] ?? "";
        if (text.Length > Limits.Authorization) return (null, $"the Authorization header is longer than {Limits.Authorization / 1024} KiB");
        var end = text.IndexOf(' ', StringComparison.Ordinal);
        if (!(end < 0 ? text : text[..end]).Equals(Scheme, StringComparison.OrdinalIgnoreCase)) return (null, "the Authorization header is not of the scheme Bearer");
        var token = end < 0 ? "" : text[end..].Trim(' ');
        if (token.Length == 0) return (null, "the Authorization header has no token");
        return token.All(IsTokenCharacter) ? (token, null) : (null, "the token has characters that no token can have");
    }

    /// <summary>token68 of RFC 9110.</summary>
    private static bool IsTokenCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~' or '+' or '/' or '=';
}
