namespace CN2.VRouter.Netlink;

/// <summary>Writes attributes of netlink (struct nlattr): a header of length and type, the value, padding to 4 octets.</summary>
internal static class NetlinkAttributes
{
    /// <summary>Added to the type of an attribute whose value is attributes (NLA_F_NESTED).</summary>
    public const int Nested = 0x8000;

    public const int HeaderLength = 4;

    /// <summary>Writes an attribute; returns how many octets it takes.</summary>
    public static int Write(Span<byte> to, int type, scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(to[HeaderLength..]);
        return WriteHeader(to, type, value.Length);
    }

    /// <summary>Writes header and padding around a value of this length, which stands at its place already; returns how many octets the attribute takes.</summary>
    public static int WriteHeader(Span<byte> to, int type, int length)
    {
        BitConverter.TryWriteBytes(to, (ushort)(length + HeaderLength));
        BitConverter.TryWriteBytes(to[2..], (ushort)type);
        var padded = NetlinkMessages.Align(length + HeaderLength);
        to[(length + HeaderLength)..padded].Clear();
        return padded;
    }
}
