using System.ComponentModel;
using System.Text;
using CN2.Network.Addressing;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>The agent's tables as a whole, in the network namespace of the calling thread (linux/netfilter/nf_tables.h).</summary>
internal static class NftTables
{
    private const int Subsystem = 10 << 8; // NFNL_SUBSYS_NFTABLES
    private const int NewTable = 0;
    private const int GetTable = 1;
    private const int DeleteTable = 2;
    private const int NewRule = 6;
    private const int GetRule = 7;
    private const int Name = 1; // NFTA_TABLE_NAME, NFTA_RULE_TABLE
    private const int Flags = 2; // NFTA_TABLE_FLAGS
    private const uint Dormant = 1; // NFT_TABLE_F_DORMANT
    private const int ReplyTimeout = 5000;

    /// <summary>Whether packets meet rules of the table. Not when it is gone, without rules (<c>nft flush table</c>), or dormant.</summary>
    /// <exception cref="Win32Exception">The kernel does not say.</exception>
    public static bool IsInForce(string table, IPFamily family)
    {
        using var socket = new NetlinkSocket(NetlinkSocket.Netfilter);
        Span<byte> buffer = stackalloc byte[16 * 1024];
        var head = Ask(socket, buffer, GetTable, 0, table, family);
        if (IsAbsent(head) || head.Type != (Subsystem | NewTable)) return false;
        if ((NetlinkMessages.BigEndian(NetlinkMessages.Attribute(head.Body[NetlinkMessages.NetfilterHeaderLength..], Flags)) & Dormant) != 0) return false;

        // One rule is enough to know; the others go with the socket.
        var rules = Ask(socket, buffer, GetRule, NetlinkFlags.Dump, table, family);
        return !IsAbsent(rules) && rules.Type == (Subsystem | NewRule);
    }

    /// <summary>Its packets meet the rules from now on, all at once.</summary>
    public static void AddWaking(NftBatch batch, string table, IPFamily family)
    {
        Span<byte> attributes = stackalloc byte[256];
        var length = NetlinkAttributes.Write(attributes, Name, Terminated(table));
        length += NetlinkAttributes.Write(attributes[length..], Flags, [0, 0, 0, 0]);
        // Without "create": a table that somebody has removed meanwhile is an error.
        batch.Add(NewTable, 0, family, attributes[..length]);
    }

    public static void AddDeletion(NftBatch batch, string table, IPFamily family)
    {
        Span<byte> attributes = stackalloc byte[256];
        batch.Add(DeleteTable, 0, family, attributes[..NetlinkAttributes.Write(attributes, Name, Terminated(table))]);
    }

    /// <summary>A name as the kernel takes it.</summary>
    internal static byte[] Terminated(string name) => Encoding.ASCII.GetBytes(name + '\0');

    /// <summary>The first message of the answer.</summary>
    private static NetlinkMessages Ask(NetlinkSocket socket, Span<byte> buffer, int type, ushort flags, string table, IPFamily family)
    {
        var request = NetlinkMessage.Netfilter(buffer, (ushort)(Subsystem | type), flags, NftBatch.NumberOf(family));
        request.Add(Name, Terminated(table));
        socket.Send(request.Bytes);
        var messages = new NetlinkMessages(socket.Receive(buffer, ReplyTimeout, out _));
        return messages.Next() ? messages : throw new Win32Exception("the tables of nftables could not be read in time");
    }

    private static bool IsAbsent(NetlinkMessages answer)
    {
        if (answer.Type != NetlinkMessages.Error) return false;
        var error = answer.Body.Length < 4 ? 0 : -BitConverter.ToInt32(answer.Body);
        return error == Posix.NoEntry ? true : throw new PosixException("nftables", error);
    }
}
