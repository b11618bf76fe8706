using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Native;

/// <summary>
/// Sends datagrams on one raw socket, in order, with as few sendmmsg calls as possible. Each carries its source address and TOS; the kernel
/// writes the outer IPv4 header with identification and checksum, and fragments where a link has a smaller MTU.
/// </summary>
internal sealed unsafe class SendBatch : IDisposable
{
    private const int TypeOfService = 1; // IP_TOS
    private const int PacketInformation = 8; // IP_PKTINFO
    private const int ControlLength = 24 + 32; // cmsghdr (16) and an int, cmsghdr and struct in_pktinfo (12), each rounded up to 8
    private const int MillisecondsForRoom = 20;

    private readonly PacketPool _pool;
    private readonly MultiMessage* _messages;
    private readonly SocketAddressV4* _destinations;
    private readonly IoVector* _vectors;
    private readonly byte* _controls;

    public SendBatch(PacketPool pool, uint source)
    {
        _pool = pool;
        _messages = (MultiMessage*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(MultiMessage));
        _destinations = (SocketAddressV4*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(SocketAddressV4));
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)pool.Count, (nuint)sizeof(IoVector));
        _controls = (byte*)NativeMemory.AllocZeroed((nuint)pool.Count, ControlLength);
        for (var i = 0; i < pool.Count; i++)
        {
            var control = _controls + (i * ControlLength);
            Header(control, 16 + sizeof(int), TypeOfService);
            Header(control + 24, 16 + 12, PacketInformation);
            *(uint*)(control + 24 + 16 + 4) = BinaryPrimitives.ReverseEndianness(source); // ipi_spec_dst
            _messages[i].Name = _destinations + i;
            _messages[i].NameLength = (uint)sizeof(SocketAddressV4);
            _messages[i].Vectors = _vectors + i;
            _messages[i].VectorCount = 1;
            _messages[i].Control = control;
            _messages[i].ControlLength = ControlLength;
            _destinations[i].Family = Posix.FamilyIPv4;
        }
    }

    public int Count { get; private set; }

    /// <summary>Adds a datagram in a slot of the pool. The slot must not change before <see cref="Send"/>.</summary>
    public void Add(int slot, int start, int length, uint destination, byte typeOfService)
    {
        var at = Count++;
        _vectors[at].Base = _pool.Address(slot) + start;
        _vectors[at].Length = (nuint)length;
        _destinations[at].Address = BinaryPrimitives.ReverseEndianness(destination);
        *(int*)(_controls + (at * ControlLength) + 16) = typeOfService;
    }

    /// <summary>Sends all datagrams and empties the batch. A packet that the kernel refuses is counted and does not delay the next.</summary>
    public void Send(int descriptor, ref long oversize, ref long errors)
    {
        var sent = 0;
        var waited = false;
        while (sent < Count)
        {
            var went = Posix.SendMany(descriptor, _messages + sent, (uint)(Count - sent), Posix.DontWait);
            if (went > 0)
            {
                sent += went;
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == Posix.Interrupted) continue;
            if (error == Posix.TryAgain && !waited)
            {
                // The link is slower than this thread. The queues of the devices fill up meanwhile and drop packets, as on any router.
                waited = true;
                var room = new PollDescriptor { Descriptor = descriptor, Events = 4 };
                _ = Posix.Poll(&room, 1, MillisecondsForRoom);
                continue;
            }

            if (error == Posix.MessageSize) oversize++;
            else errors++;
            sent++;
        }

        Count = 0;
    }

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        NativeMemory.Free(_destinations);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_controls);
    }

    private static void Header(byte* control, int length, int type)
    {
        *(nuint*)control = (nuint)length;
        *(int*)(control + 8) = Posix.LevelIP;
        *(int*)(control + 12) = type;
    }
}
