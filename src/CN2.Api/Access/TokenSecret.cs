using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CN2.Api.Access;

/// <summary>
/// The secret of an API token: <c>cn2_</c> and 32 random bytes as 43 characters of base64url. Nobody can try so many, so SHA-256 without salt keeps it
/// (a slow hash is for passwords), and the hash finds the token.
/// </summary>
public static class TokenSecret
{
    public const string Prefix = "cn2_";

    private const int RandomBytes = 32;

    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What is kept of it.</summary>
    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.ASCII.GetBytes(secret));
}
