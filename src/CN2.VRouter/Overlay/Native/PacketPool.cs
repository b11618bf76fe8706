using System.Runtime.InteropServices;

namespace CN2.VRouter.Overlay.Native;

/// <summary>
/// Buffers for a batch, outside the managed heap: the kernel writes into them while the collector may run. Each takes the longest IP
/// packet there is; pages that no packet reaches are never backed by memory.
/// </summary>
internal sealed unsafe class PacketPool : IDisposable
{
    public const int SlotLength = 65536;

    // Slots a whole number of pages apart would all start in the same cache sets.
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
