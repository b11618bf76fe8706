using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Elements as the kernel takes them (NFTA_LIST_ELEM), from what <see cref="NftElement"/> says; pure. Each part of a key of several is padded to 4 octets. Addresses
/// and ports have network byte order, marks the host's but for sets with ranges. Equal to what nft makes of the same text.
/// </summary>
internal static class NftEncoding
{
    /// <summary>No element is longer.</summary>
    public const int LongestElement = 256;

    private const int Element = 1; // NFTA_LIST_ELEM
    private const int Key = 1; // NFTA_SET_ELEM_KEY
    private const int Data = 2; // NFTA_SET_ELEM_DATA
    private const int KeyEnd = 10; // NFTA_SET_ELEM_KEY_END
    private const int Value = 1; // NFTA_DATA_VALUE
    private const int PartAlignment = 4;
    private const int LongestKey = 64;
    private const string Separator = " . ";

    private enum Part
    {
        Address,
        Protocol,
        Port,
        Mark,

        /// <summary>A mark in network byte order, as nft has it in sets with ranges; their rules turn it around before they look it up.</summary>
        OrderedMark,

        /// <summary>An address with or without a prefix length, always the last part.</summary>
        Range,
    }

    /// <summary>The parts of a set's keys, and those of a map's values.</summary>
    private static readonly Dictionary<NftSet, (Part[] Key, Part[] Data)> Forms = new()
    {
        [NftSet.FloatingIPs] = ([Part.Address], []),
        [NftSet.Remote] = ([Part.Address], []),
        [NftSet.Endpoints] = ([Part.Address], []),
        [NftSet.Refusing] = ([Part.Address], []),
        [NftSet.Pinged] = ([Part.Address], []),
        [NftSet.NodePortNumbers] = ([Part.Port], []),
        [NftSet.NatEntries] = ([Part.Address, Part.Protocol, Part.Port], [Part.Mark]),
        [NftSet.Backends] = ([Part.Address, Part.Protocol, Part.Port, Part.Mark], [Part.Address, Part.Port]),
        [NftSet.SourceRanges] = ([Part.Address, Part.Protocol, Part.Port, Part.Range], []),
        [NftSet.NodePorts] = ([Part.Protocol, Part.Port], [Part.Mark]),
        [NftSet.NodePortBackends] = ([Part.Protocol, Part.Port, Part.Mark], [Part.Address, Part.Port]),
        [NftSet.NodePortSourceRanges] = ([Part.Protocol, Part.Port, Part.Range], []),
        [NftSet.OneToOne] = ([Part.Address], [Part.Mark]),
        [NftSet.OneToOneBackends] = ([Part.Address, Part.Mark], [Part.Address]),
        [NftSet.OneToOneSourceRanges] = ([Part.Address, Part.Range], []),
        [NftSet.Nodes] = ([Part.Address], []),
        [NftSet.EndpointNetworks] = ([Part.Address], []),
        [NftSet.Replies] = ([Part.Address, Part.Port], [Part.Address, Part.Port]),
        [NftSet.OneToOneReplies] = ([Part.Address], [Part.Address]),
        [NftSet.EndpointPorts] = ([Part.Address, Part.Port], []),
        [NftSet.OneToOneEndpoints] = ([Part.Address], []),
        [NftSet.VpnFloatingIPs] = ([Part.Mark, Part.Address], []),
        [NftSet.VpnRefusing] = ([Part.Mark, Part.Address], []),
        [NftSet.VpnPinged] = ([Part.Mark, Part.Address], []),
        [NftSet.VpnNatEntries] = ([Part.Mark, Part.Address, Part.Protocol, Part.Port], [Part.Mark]),
        [NftSet.VpnBackends] = ([Part.Mark, Part.Address, Part.Protocol, Part.Port, Part.Mark], [Part.Address, Part.Port]),
        [NftSet.VpnSourceRanges] = ([Part.OrderedMark, Part.Address, Part.Protocol, Part.Port, Part.Range], []),
        [NftSet.VpnOneToOne] = ([Part.Mark, Part.Address], [Part.Mark]),
        [NftSet.VpnOneToOneBackends] = ([Part.Mark, Part.Address, Part.Mark], [Part.Address]),
        [NftSet.VpnOneToOneSourceRanges] = ([Part.OrderedMark, Part.Address, Part.Range], []),
        [NftSet.VpnEndpoints] = ([Part.Address], [Part.Mark]),
        [NftSet.VpnSources] = ([Part.Address], [Part.Address]),
    };

    /// <summary>Whether elements of the set can be encoded. Those of the others name chains, devices or zones; they are few, and nft reads them.</summary>
    public static bool Knows(NftSet set) => Forms.ContainsKey(set);

    /// <summary>Writes an element; returns how many octets it takes, at most <see cref="LongestElement"/>.</summary>
    public static int Write(Span<byte> to, NftElement element)
    {
        var (key, data) = Forms[element.Set];
        Span<byte> value = stackalloc byte[LongestKey];
        var at = NetlinkAttributes.HeaderLength;
        at += WriteValue(to[at..], Key, value[..WriteParts(value, element.Key, key, end: false)]);
        if (key[^1] == Part.Range) at += WriteValue(to[at..], KeyEnd, value[..WriteParts(value, element.Key, key, end: true)]);
        if (element.Value is not null) at += WriteValue(to[at..], Data, value[..WriteParts(value, element.Value, data, end: false)]);
        return NetlinkAttributes.WriteHeader(to, Element | NetlinkAttributes.Nested, at - NetlinkAttributes.HeaderLength);
    }

    private static int WriteValue(Span<byte> to, int type, ReadOnlySpan<byte> value)
    {
        var length = NetlinkAttributes.Write(to[NetlinkAttributes.HeaderLength..], Value, value);
        return NetlinkAttributes.WriteHeader(to, type | NetlinkAttributes.Nested, length);
    }

    /// <param name="end">The last address of a range instead of its first.</param>
    private static int WriteParts(Span<byte> to, ReadOnlySpan<char> text, Part[] parts, bool end)
    {
        var length = 0;
        foreach (var part in parts)
        {
            var separator = text.IndexOf(Separator);
            var word = separator < 0 ? text : text[..separator];
            text = separator < 0 ? default : text[(separator + Separator.Length)..];
            var written = WritePart(to[length..], word, part, end);
            if (parts.Length == 1) return written;
            var padded = (written + PartAlignment - 1) & ~(PartAlignment - 1);
            to[(length + written)..(length + padded)].Clear();
            length += padded;
        }

        return length;
    }

    private static int WritePart(Span<byte> to, ReadOnlySpan<char> word, Part part, bool end)
    {
        switch (part)
        {
            case Part.Protocol:
                to[0] = byte.Parse(word, CultureInfo.InvariantCulture);
                return 1;
            case Part.Port:
                BinaryPrimitives.WriteUInt16BigEndian(to, ushort.Parse(word, CultureInfo.InvariantCulture));
                return 2;
            case Part.Mark:
                BitConverter.TryWriteBytes(to, Mark(word));
                return 4;
            case Part.OrderedMark:
                BinaryPrimitives.WriteUInt32BigEndian(to, Mark(word));
                return 4;
            case Part.Range when word.Contains('/'):
                var range = IPNetwork.Parse(word);
                var length = WriteAddress(to, range.BaseAddress);
                if (end) SetBits(to[..length], range.PrefixLength);
                return length;
            default:
                return WriteAddress(to, IPAddress.Parse(word));
        }
    }

    private static uint Mark(ReadOnlySpan<char> word) => uint.Parse(word["0x".Length..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static int WriteAddress(Span<byte> to, IPAddress address)
    {
        address.TryWriteBytes(to, out var length);
        return length;
    }

    /// <summary>Sets all bits from this one on.</summary>
    private static void SetBits(Span<byte> address, int from)
    {
        for (var i = from / 8; i < address.Length; i++) address[i] |= (byte)(i == from / 8 ? 0xff >> (from % 8) : 0xff);
    }
}
