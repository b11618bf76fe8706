using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace CN2.Bench.Lab;

/// <summary>An element that came into or went out of a set or map of nftables.</summary>
internal sealed record NftElementNotice(string Set, IPAddress Address, bool Added);

/// <summary>
/// What the kernel of a namespace announces about its nftables (NFNLGRP_NFTABLES) while this is alive: every element that was sent to
/// nft. <c>nft monitor</c> hears the same, after reading every table first, which takes minutes here.
/// </summary>
internal sealed partial class NftWatch : IDisposable
{
    private const int NewElement = (10 << 8) | 12;
    private const int DeletedElement = (10 << 8) | 14;
    private const int NewGeneration = (10 << 8) | 15;

    private readonly ConcurrentQueue<NftElementNotice> _elements = new();
    private readonly int _socket;
    private readonly Thread _thread;
    private int _transactions;
    private volatile bool _stop;

    public NftWatch(string ns)
    {
        using (var home = new NamespaceThread(ns)) _socket = home.Run(Open);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public IReadOnlyCollection<NftElementNotice> Elements => _elements;

    public int Transactions => Volatile.Read(ref _transactions);

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
    }

    private static int Open()
    {
        var socket = Check(socket_(16 /* AF_NETLINK */, 3 /* SOCK_RAW */, 12 /* NETLINK_NETFILTER */));
        Check(bind(socket, [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 12)); // struct sockaddr_nl, the kernel chooses the port
        var group = 7; // NFNLGRP_NFTABLES
        Check(setsockopt(socket, 270 /* SOL_NETLINK */, 1 /* NETLINK_ADD_MEMBERSHIP */, ref group, sizeof(int)));
        var patience = new TimeValue { Microseconds = 200_000 };
        Check(setsockopt(socket, 1 /* SOL_SOCKET */, 20 /* SO_RCVTIMEO */, ref patience, Marshal.SizeOf<TimeValue>()));
        return socket;
    }

    private void Run()
    {
        var buffer = new byte[256 * 1024];
        while (!_stop)
        {
            var read = (int)recv(_socket, buffer, buffer.Length, 0);
            if (read > 0) Hear(buffer.AsMemory(0, read));
        }

        _ = close(_socket);
    }

    private void Hear(ReadOnlyMemory<byte> datagram)
    {
        while (datagram.Length >= 16)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(datagram.Span);
            if (length < 20 || length > datagram.Length) return;
            var type = BinaryPrimitives.ReadUInt16LittleEndian(datagram.Span[4..]);
            if (type == NewGeneration) Interlocked.Increment(ref _transactions);
            else if (type is NewElement or DeletedElement) HearElements(datagram[20..length], type == NewElement);
            datagram = datagram[Math.Min((length + 3) & ~3, datagram.Length)..];
        }
    }

    private void HearElements(ReadOnlyMemory<byte> attributes, bool added)
    {
        var set = Encoding.ASCII.GetString(Attribute(attributes, 2 /* NFTA_SET_ELEM_LIST_SET */).Span.TrimEnd((byte)0));
        foreach (var (_, element) in Attributes(Attribute(attributes, 3 /* NFTA_SET_ELEM_LIST_ELEMENTS */)))
        {
            var flags = Attribute(element, 3 /* NFTA_SET_ELEM_FLAGS */);
            if (flags.Length == 4 && (flags.Span[3] & 2) != 0) continue; // the end of an interval
            var key = Attribute(Attribute(element, 1 /* NFTA_SET_ELEM_KEY */), 1 /* NFTA_DATA_VALUE */);
            // Every key here begins with the FloatingIP's or cluster IP's address.
            if (key.Length >= 4) _elements.Enqueue(new NftElementNotice(set, new IPAddress(key.Span[..4]), added));
        }
    }

    private static ReadOnlyMemory<byte> Attribute(ReadOnlyMemory<byte> attributes, int type) => Attributes(attributes).FirstOrDefault(a => a.Type == type).Value;

    private static IEnumerable<(int Type, ReadOnlyMemory<byte> Value)> Attributes(ReadOnlyMemory<byte> rest)
    {
        while (rest.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(rest.Span);
            if (length < 4 || length > rest.Length) yield break;
            yield return (BinaryPrimitives.ReadUInt16LittleEndian(rest.Span[2..]) & 0x3fff, rest[4..length]);
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception();

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int socket_(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int socket, byte[] address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int socket, int level, int name, ref int value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int socket, int level, int name, ref TimeValue value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int socket, [Out] byte[] buffer, nint length, int flags);

    [LibraryImport("libc")]
    private static partial int close(int fd);

    private struct TimeValue
    {
        public nint Seconds;
        public nint Microseconds;
    }
}
