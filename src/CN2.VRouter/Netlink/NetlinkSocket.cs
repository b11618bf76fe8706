using System.Runtime.InteropServices;
using CN2.VRouter.Host;

namespace CN2.VRouter.Netlink;

/// <summary>
/// A netlink socket (linux/netlink.h) in the network namespace of the thread that made it; .NET has no address family for it. Blocking;
/// one thread at a time.
/// </summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>Devices, addresses, routes and rules (NETLINK_ROUTE).</summary>
    public const int Route = 0;

    /// <summary>nftables and connection tracking (NETLINK_NETFILTER).</summary>
    public const int Netfilter = 12;

    /// <summary>An option: an answer repeats only the header of its request (NETLINK_CAP_ACK).</summary>
    public const int CapAcknowledge = 10;

    private const int SendBufferForce = 32; // SO_SNDBUFFORCE
    private const int ReceiveBufferForce = 33; // SO_RCVBUFFORCE
    private const int AddMembership = 1; // NETLINK_ADD_MEMBERSHIP
    private const int AddressLength = 12; // struct sockaddr_nl

    private int _descriptor;

    /// <param name="protocol"><see cref="Route"/> or <see cref="Netfilter"/>.</param>
    /// <exception cref="PosixException">The kernel refused.</exception>
    public NetlinkSocket(int protocol)
    {
        _descriptor = Posix.Socket(Posix.FamilyNetlink, Posix.Raw | Posix.CloseOnExec, protocol);
        if (_descriptor < 0) throw PosixException.Last("netlink socket");
        try
        {
            var address = stackalloc uint[AddressLength / sizeof(uint)] { Posix.FamilyNetlink, 0, 0 };
            if (Posix.Bind(_descriptor, address, AddressLength) < 0) throw PosixException.Last("netlink bind");
            var length = AddressLength;
            if (Posix.SocketName(_descriptor, address, &length) < 0) throw PosixException.Last("netlink getsockname");
            Port = address[1];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The kernel's number of this socket: notices of what it changes carry it.</summary>
    public uint Port { get; }

    public int Descriptor => _descriptor;

    /// <summary>How many bytes may wait while this process does not read. Needs CAP_NET_ADMIN.</summary>
    public void SetReceiveBuffer(int bytes) => Set(Posix.LevelSocket, ReceiveBufferForce, bytes);

    /// <summary>How long a datagram may be that this process sends. Needs CAP_NET_ADMIN.</summary>
    public void SetSendBuffer(int bytes) => Set(Posix.LevelSocket, SendBufferForce, bytes);

    /// <summary>Turns on an option of netlink (NETLINK_*).</summary>
    public void TurnOn(int option) => Set(Posix.LevelNetlink, option, 1);

    /// <summary>Receives the notices of a multicast group from now on.</summary>
    public void Join(int group) => Set(Posix.LevelNetlink, AddMembership, group);

    public void Send(ReadOnlySpan<byte> messages)
    {
        fixed (byte* at = messages)
        {
            if (Posix.Send(_descriptor, at, messages.Length, 0) != messages.Length) throw PosixException.Last("netlink send");
        }
    }

    /// <summary>Waits for a datagram; empty: none came in time, or <paramref name="lost"/>.</summary>
    /// <param name="lost">Some were lost because the receive buffer was full.</param>
    public ReadOnlySpan<byte> Receive(Span<byte> buffer, int timeoutMilliseconds, out bool lost)
    {
        lost = false;
        var poll = new PollDescriptor { Descriptor = _descriptor, Events = (short)Posix.PollIn };
        var ready = Posix.Poll(&poll, 1, timeoutMilliseconds);
        if (ready == 0 || (ready < 0 && Marshal.GetLastPInvokeError() == Posix.Interrupted)) return default;
        if (ready < 0) throw PosixException.Last("netlink poll");
        fixed (byte* at = buffer)
        {
            var length = Posix.Receive(_descriptor, at, buffer.Length, 0);
            if (length >= 0) return buffer[..(int)length];
        }

        var error = Marshal.GetLastPInvokeError();
        if (error is not (Posix.NoBufferSpace or Posix.Interrupted)) throw PosixException.Last("netlink recv");
        lost = error == Posix.NoBufferSpace;
        return default;
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Posix.Close(descriptor);
    }

    private void Set(int level, int option, int value)
    {
        if (Posix.SetOption(_descriptor, level, option, &value, sizeof(int)) < 0) throw PosixException.Last("netlink setsockopt");
    }
}
