using System.Runtime.InteropServices;

namespace CN2.VRouter.Overlay.Native;

/// <summary>
/// Buffers for a batch, outside the managed heap, because the kernel writes into them while the garbage collector may run. Each holds the
/// longest IP packet; pages that no packet reaches use no memory.
/// </summary>
internal sealed unsafe class PacketPool : IDisposable
{
    public const int SlotLength = 65536;

    // With a distance of whole pages all slots would start in the same cache sets.
    private const int Stride = SlotLength + 192;

    private byte* _memory;

    public PacketPool(int count)
    {
        Count = count;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(count * Stride), 64);
    }

    public int Count { get; }

    public Span<byte> Slot(int index) => new(Address(index), SlotLength);

    public byte* Address(int index) => _memory + ((nint)index * Stride);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
