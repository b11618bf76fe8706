using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CN2.VRouter.Netlink;

/// <summary>
/// A NETLINK_NETFILTER socket (linux/netlink.h, linux/netfilter/nfnetlink.h): .NET has no address family for it. Blocking; one
/// thread at a time.
/// </summary>
internal sealed partial class NetlinkSocket : IDisposable
{
    public const int HeaderLength = 20; // nlmsghdr and nfgenmsg

    private const int AddressFamilyNetlink = 16;
    private const int SocketRaw = 3;
    private const int CloseOnExec = 0x80000;
    private const int ProtocolNetfilter = 12;
    private const int LevelSocket = 1;
    private const int LevelNetlink = 270;
    private const int ReceiveBufferForce = 33;
    private const int AddMembership = 1;
    private const short PollIn = 1;
    private const int NoBufferSpace = 105;
    private const int Interrupted = 4;

    private int _descriptor;

    public NetlinkSocket()
    {
        _descriptor = NativeSocket(AddressFamilyNetlink, SocketRaw | CloseOnExec, ProtocolNetfilter);
        if (_descriptor < 0) throw Error("socket");
        var address = new SocketAddress { Family = AddressFamilyNetlink };
        if (NativeBind(_descriptor, ref address, Marshal.SizeOf<SocketAddress>()) < 0) throw Error("bind");
    }

    /// <summary>Hears a multicast group; the buffer holds what arrives while nobody reads. Needs CAP_NET_ADMIN.</summary>
    public void Join(int group, int bufferBytes)
    {
        if (NativeSetOption(_descriptor, LevelSocket, ReceiveBufferForce, ref bufferBytes, sizeof(int)) < 0) throw Error("SO_RCVBUFFORCE");
        if (NativeSetOption(_descriptor, LevelNetlink, AddMembership, ref group, sizeof(int)) < 0) throw Error("NETLINK_ADD_MEMBERSHIP");
    }

    public void Send(ReadOnlySpan<byte> message)
    {
        if (NativeSend(_descriptor, in MemoryMarshal.GetReference(message), message.Length, 0) != message.Length) throw Error("send");
    }

    /// <summary>Waits for a datagram; 0: none came in time, -1: some were lost because the buffer was full.</summary>
    public int Receive(Span<byte> buffer, int timeoutMilliseconds)
    {
        var poll = new PollDescriptor { Descriptor = _descriptor, Events = PollIn };
        var ready = NativePoll(ref poll, 1, timeoutMilliseconds);
        if (ready == 0 || (ready < 0 && Marshal.GetLastPInvokeError() == Interrupted)) return 0;
        if (ready < 0) throw Error("poll");
        var length = NativeReceive(_descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length, 0);
        if (length >= 0) return (int)length;
        var error = Marshal.GetLastPInvokeError();
        if (error == NoBufferSpace) return -1;
        return error == Interrupted ? 0 : throw Error("recv");
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = NativeClose(descriptor);
    }

    private static Win32Exception Error(string call) => new(Marshal.GetLastPInvokeError(), $"netlink {call}: {Marshal.GetLastPInvokeErrorMessage()}");

    [StructLayout(LayoutKind.Sequential)]
    private struct SocketAddress
    {
        public ushort Family;
        public ushort Pad;
        public uint Port;
        public uint Groups;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Result;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int NativeSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int NativeBind(int descriptor, ref SocketAddress address, int length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int NativeSetOption(int descriptor, int level, int option, ref int value, int length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint NativeSend(int descriptor, in byte buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint NativeReceive(int descriptor, ref byte buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int NativePoll(ref PollDescriptor descriptors, nuint count, int timeout);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);
}
