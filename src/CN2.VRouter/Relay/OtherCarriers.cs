using System.Buffers.Binary;
using System.Net;

namespace CN2.VRouter.Relay;

/// <summary>The other nodes of a FloatingIP, and how much is taken from them.</summary>
internal sealed class OtherCarriers
{
    /// <summary>So many errors a second for one FloatingIP are taken from all its other nodes together.</summary>
    public const int MostPerSecond = 200;

    private readonly IReadOnlyList<IPAddress> _addresses;
    private readonly HashSet<uint> _senders;

    public OtherCarriers(IReadOnlyList<IPAddress> addresses, int port)
    {
        _addresses = addresses;
        EndPoints = [.. addresses.Select(a => new IPEndPoint(a, port))];
        _senders = [.. addresses.Select(a => BinaryPrimitives.ReadUInt32BigEndian(a.GetAddressBytes()))];
    }

    public IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>Of the thread that takes datagrams.</summary>
    public RateLimit Limit { get; } = new(MostPerSecond);

    public bool Are(IReadOnlyList<IPAddress> addresses) => addresses.SequenceEqual(_addresses);

    /// <param name="source">An IPv4 address, first octet highest.</param>
    public bool Have(uint source) => _senders.Contains(source);
}
