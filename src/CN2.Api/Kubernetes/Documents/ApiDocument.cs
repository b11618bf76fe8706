using System.Security.Cryptography;

namespace CN2.Api.Kubernetes.Documents;

/// <summary>A document as it is sent.</summary>
/// <param name="ContentType">Of the answer.</param>
/// <param name="Bytes">The document.</param>
public sealed record ApiDocument(string ContentType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>SHA-256 of the bytes in capital hexadecimal digits: the hash in the index, and between quotes the ETag.</summary>
    public string Hash { get; } = Convert.ToHexString(SHA256.HashData(Bytes.Span));
}
