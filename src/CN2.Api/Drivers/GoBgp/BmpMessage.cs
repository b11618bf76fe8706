using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The messages of BMP (RFC 7854 §4) that the station reads, as bytes that anybody may have sent.</summary>
internal static class BmpMessage
{
    public const int HeaderSize = 6;

    /// <summary>Two OPEN messages of 4096 bytes are the longest that is expected (Peer Up).</summary>
    public const int MostBytes = 16 * 1024;

    public const byte PeerDown = 2, PeerUp = 3, Initiation = 4, Termination = 5;

    private const byte Version = 3, SystemName = 2, IPv6Flag = 0x80;
    private const int PeerHeaderSize = 42, AddressStart = 10;

    /// <summary>Reads the common header; false when it is none, or the message is longer than <see cref="MostBytes"/>.</summary>
    /// <param name="length">Of what follows the header.</param>
    public static bool TryReadHeader(ReadOnlySpan<byte> header, out byte type, out int length)
    {
        (type, length) = (header[5], 0);
        var total = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (header[0] != Version || total is < HeaderSize or > MostBytes) return false;
        length = (int)total - HeaderSize;
        return true;
    }

    /// <summary>The sender's name in an Initiation message; null when it has none or is cut.</summary>
    public static string? ReadSystemName(ReadOnlySpan<byte> body)
    {
        while (body.Length >= 4)
        {
            var (type, length) = (BinaryPrimitives.ReadUInt16BigEndian(body), BinaryPrimitives.ReadUInt16BigEndian(body[2..]));
            if (length > body.Length - 4) return null;
            if (type == SystemName) return Encoding.UTF8.GetString(body.Slice(4, length));
            body = body[(4 + length)..];
        }
        return null;
    }

    /// <summary>The router that a message is about, and what follows; null when the message is cut.</summary>
    public static IPAddress? ReadPeer(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        if (body.Length < PeerHeaderSize) return null;
        rest = body[PeerHeaderSize..];
        var address = body.Slice(AddressStart, 16);
        return (body[1] & IPv6Flag) != 0 ? new IPAddress(address) : new IPAddress(address[12..]);
    }

    /// <summary>Why a session ended; null when what follows the router in a Peer Down message is cut.</summary>
    public static SessionEnd? ReadPeerDown(ReadOnlySpan<byte> rest)
    {
        if (rest.Length == 0) return null;
        var notification = BgpNotification.Parse(rest[1..]);
        return rest[0] switch
        {
            1 => new(ByRouter: false, notification, IsCovered: false),
            // gobgpd 3.10 leaves out the message when graceful restart covers the loss.
            3 => new(ByRouter: notification is not null, notification, IsCovered: notification is null),
            _ => new(ByRouter: false, null, IsCovered: false),
        };
    }
}

/// <summary>The end of a session, as the engine reports it.</summary>
/// <param name="Notification">Null: there was none, or the engine does not say which one.</param>
/// <param name="IsCovered">Graceful restart covers the loss: the TCP connection broke, the hold time ran out, or RFC 8538 was negotiated.</param>
internal sealed record SessionEnd(bool ByRouter, BgpNotification? Notification, bool IsCovered);
