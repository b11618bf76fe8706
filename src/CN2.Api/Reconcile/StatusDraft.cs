using System.Buffers.Binary;
using System.Security.Cryptography;
using CN2.Api.Data.Rows;

namespace CN2.Api.Reconcile;

/// <summary>A status as it should read, without the times of its conditions: those come from what is already written.</summary>
/// <param name="Document">JSON.</param>
/// <param name="IsNews">Conditions that change are events. False for a FloatingIP of a Service: the Service's events say it.</param>
internal sealed record StatusDraft(ResourceKind Kind, Guid Uid, byte[] Document, bool IsNews)
{
    /// <summary>Equal drafts have equal hashes, because members are in declared order; 128 bits of a SHA-256 never collide in practice.</summary>
    public UInt128 Hash
    {
        get
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(Document, hash);
            return BinaryPrimitives.ReadUInt128BigEndian(hash);
        }
    }
}
