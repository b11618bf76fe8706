using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Native;

/// <summary>Receives datagrams with one recvmmsg, each into the slot of the pool with the same number.</summary>
internal sealed unsafe class ReceiveBatch : IDisposable
{
    private readonly PacketPool _pool;
    private readonly MultiMessage* _messages;
    private readonly SocketAddressV4* _sources;
    private readonly IoVector* _vectors;

    public ReceiveBatch(PacketPool pool)
    {
        _pool = pool;
        _messages = (MultiMessage*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(MultiMessage));
        _sources = (SocketAddressV4*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(SocketAddressV4));
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(IoVector));
        for (var i = 0; i < pool.Count; i++)
        {
            _vectors[i] = new IoVector { Base = pool.Address(i), Length = PacketPool.SlotLength };
            _messages[i].Name = _sources + i;
            _messages[i].Vectors = _vectors + i;
            _messages[i].VectorCount = 1;
        }
    }

    /// <summary>Receives without waiting; returns the number of datagrams. 0 after an error too: the next call meets it again.</summary>
    public int Receive(int descriptor)
    {
        for (var i = 0; i < _pool.Count; i++) _messages[i].NameLength = (uint)sizeof(SocketAddressV4);
        return Math.Max(Posix.ReceiveMany(descriptor, _messages, (uint)_pool.Count, Posix.DontWait, null), 0);
    }

    public ReadOnlySpan<byte> Datagram(int index) => new(_pool.Address(index), (int)_messages[index].Length);

    /// <summary>The address of the sender, first octet highest.</summary>
    public uint Source(int index) => BinaryPrimitives.ReverseEndianness(_sources[index].Address);

    public int SourcePort(int index) => BinaryPrimitives.ReverseEndianness(_sources[index].Port);

    public bool IsTruncated(int index) => (_messages[index].Flags & Posix.Truncated) != 0;

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        NativeMemory.Free(_sources);
        NativeMemory.Free(_vectors);
    }
}
