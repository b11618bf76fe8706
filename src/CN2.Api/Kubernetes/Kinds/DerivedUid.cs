using System.Security.Cryptography;
using System.Text;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>The uid of an object that has no row of its own: always the same for the same words (RFC 9562, version 8).</summary>
internal static class DerivedUid
{
    /// <param name="kind">What kind of object it is.</param>
    /// <param name="parts">What identifies it among those.</param>
    public static Guid Of(string kind, params ReadOnlySpan<string> parts)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{string.Join('\n', parts!)}")).AsSpan(0, 16);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash, bigEndian: true);
    }
}
