using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

/// <summary>
/// A router made of bytes that negotiates inet-vpn and route-target (RFC 4684): it announces and withdraws the memberships that it is told, each
/// as the bytes of its NLRI, and keeps the VPN routes that it gets and that are withdrawn. No code is shared with the engine.
/// </summary>
internal sealed class ConstrainedRouter : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _address;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _routes = [];
    private readonly List<string> _log = [];
    private readonly Task _run;

    public ConstrainedRouter(BgpLab lab, string name, int host)
    {
        _address = [172, 27, 115, (byte)host];
        using (var thread = new NamespaceThread(lab.AddHost(name, host))) _socket = thread.OpenSocket(AddressFamily.InterNetwork, SocketType.Stream);
        _run = Task.Run(RunAsync);
    }

    public bool IsEstablished { get; private set; }

    /// <summary>The routes that it holds, as <c>10.0.0.1/32</c>.</summary>
    public IReadOnlyList<string> Routes
    {
        get
        {
            lock (_lock) return [.. _routes.Values.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Everything that came, in order: <c>+10.0.0.1/32</c>, <c>-10.0.0.1/32</c>.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_lock) return [.. _log];
        }
    }

    /// <summary>A membership of a target with a two-byte AS number, as a NLRI: origin AS and the target, 96 bits.</summary>
    public static byte[] Membership(uint origin, ushort asn, uint number)
    {
        var bytes = new byte[13];
        bytes[0] = 96;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), origin);
        bytes[6] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(7), asn);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(9), number);
        return bytes;
    }

    public void Announce(params byte[][] memberships)
    {
        byte[] reach = [0, 1, 132, 4, .. _address, 0, .. memberships.SelectMany(m => m)];
        Update([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100, 0x80, 14, (byte)reach.Length, .. reach]);
    }

    public void Withdraw(params byte[][] memberships)
    {
        byte[] unreach = [0, 1, 132, .. memberships.SelectMany(m => m)];
        Update([0x80, 15, (byte)unreach.Length, .. unreach]);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _run.ContinueWith(_ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(5));
    }

    private void Update(byte[] attributes) => Send(2, [0, 0, (byte)(attributes.Length >> 8), (byte)attributes.Length, .. attributes]);

    private void Send(byte type, byte[] body) =>
        _socket.Send((byte[])[.. Enumerable.Repeat((byte)0xFF, 16), (byte)((body.Length + 19) >> 8), (byte)(body.Length + 19), type, .. body]);

    private async Task RunAsync()
    {
        await _socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("172.27.115.241"), 179));
        byte[] capabilities = [2, 6, 1, 4, 0, 1, 0, 128, 2, 6, 1, 4, 0, 1, 0, 132];
        Send(1, [4, (byte)(Spec.Asn >> 8), unchecked((byte)Spec.Asn), 0, 90, .. _address, (byte)capabilities.Length, .. capabilities]);
        await using var stream = new NetworkStream(_socket);
        var header = new byte[19];
        while (true)
        {
            await stream.ReadExactlyAsync(header);
            var body = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(16)) - 19];
            await stream.ReadExactlyAsync(body);
            if (header[18] == 4) IsEstablished = true;
            if (header[18] is 1 or 4) Send(4, []);
            if (header[18] == 2) Read(body);
        }
    }

    /// <summary>The attributes MP_REACH_NLRI (14) and MP_UNREACH_NLRI (15) of an UPDATE.</summary>
    private void Read(ReadOnlySpan<byte> update)
    {
        var rest = update[(2 + BinaryPrimitives.ReadUInt16BigEndian(update))..][2..];
        while (rest.Length > 0)
        {
            var isLong = (rest[0] & 0x10) != 0;
            var (type, length) = (rest[1], isLong ? BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) : rest[2]);
            rest = rest[(isLong ? 4 : 3)..];
            var value = rest[..length];
            rest = rest[length..];
            if (type is not (14 or 15) || value[2] != 128) continue;
            var nlri = type == 15 ? value[3..] : value[(5 + value[3])..];
            while (nlri.Length > 0)
            {
                // Bits of label, route distinguisher and prefix; the label of a withdrawal may be another one.
                var bits = nlri[0];
                var bytes = (bits + 7) / 8;
                var address = new byte[4];
                nlri.Slice(12, bytes - 11).CopyTo(address);
                Note(type == 14, Convert.ToHexString(nlri.Slice(4, bytes - 3)), $"{new IPAddress(address)}/{bits - 88}");
                nlri = nlri[(1 + bytes)..];
            }
        }
    }

    private void Note(bool reachable, string key, string prefix)
    {
        lock (_lock)
        {
            _log.Add((reachable ? "+" : "-") + prefix);
            if (reachable) _routes[key] = prefix;
            else _routes.Remove(key);
        }
    }
}
