using System.Buffers.Binary;
using System.Net;

namespace CN2.VRouter.Relay;

/// <summary>The other nodes of a FloatingIP, and how much is taken from them.</summary>
internal sealed class OtherCarriers
{
    /// <summary>So many datagrams a second are sent for one FloatingIP, and taken from all its other nodes together.</summary>
    private const int MostPerSecond = 500;

    private readonly IReadOnlyList<IPAddress> _addresses;
    private readonly HashSet<uint> _senders;

    public OtherCarriers(IReadOnlyList<IPAddress> addresses, int port)
    {
        _addresses = addresses;
        EndPoints = [.. addresses.Select(a => new IPEndPoint(a, port))];
        _senders = [.. addresses.Select(a => BinaryPrimitives.ReadUInt32BigEndian(a.GetAddressBytes()))];
    }

    public IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>Datagrams that are sent. This and the next one are of the relay's thread.</summary>
    public RateLimit Sending { get; } = new(MostPerSecond);

    /// <summary>Datagrams that are taken.</summary>
    public RateLimit Taking { get; } = new(MostPerSecond);

    public bool Are(IReadOnlyList<IPAddress> addresses) => addresses.SequenceEqual(_addresses);

    /// <param name="source">An IPv4 address, first octet highest.</param>
    public bool Have(uint source) => _senders.Contains(source);
}
