using System.Text;

namespace CN2.Api.Secrets;

/// <summary>
/// How a protected secret is written: <c>protected:</c>, then in base64 two letters, the uid of its key, and what ASP.NET Core Data Protection made of it. It is
/// longer than every key of TCP MD5 (80 characters), so that no version takes it for one.
/// </summary>
internal static class ProtectedText
{
    public const string Prefix = "protected:";

    /// <summary>Bytes before the encrypted part. A multiple of three, so that all texts of a key begin with the same characters.</summary>
    private const int HeaderLength = 18;

    private static ReadOnlySpan<byte> Letters => "C2"u8;

    public static bool IsProtected(string stored) => stored.StartsWith(Prefix, StringComparison.Ordinal) && stored.Length > 80;

    /// <summary>How every text that this key protects begins.</summary>
    public static string BeginningOf(Guid key) => Prefix + Convert.ToBase64String(Header(key));

    public static string Write(Guid key, byte[] encrypted) => Prefix + Convert.ToBase64String([.. Header(key), .. encrypted]);

    /// <summary>False: this is no protected secret.</summary>
    public static bool TryRead(string stored, out Guid key, out byte[] encrypted)
    {
        (key, encrypted) = (default, []);
        var bytes = new byte[stored.Length];
        if (!IsProtected(stored) || !Convert.TryFromBase64String(stored[Prefix.Length..], bytes, out var length)) return false;
        if (length <= HeaderLength || !bytes.AsSpan().StartsWith(Letters)) return false;
        key = new Guid(bytes.AsSpan(Letters.Length, 16));
        encrypted = bytes[HeaderLength..length];
        return true;
    }

    /// <summary>What the encryption is bound to: text that is moved to another purpose, or said to be of another key, cannot be read.</summary>
    public static byte[] BindingOf(Guid key, string purpose) => [.. Header(key), .. Encoding.UTF8.GetBytes(purpose)];

    private static byte[] Header(Guid key) => [.. Letters, .. key.ToByteArray()];
}
