using System.Buffers.Binary;
using System.ComponentModel;
using System.Text;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Inspection;

/// <summary>Reads the base chains of nftables in the network namespace of the calling thread (linux/netfilter/nf_tables.h), without any rule.</summary>
internal static class BaseChains
{
    private const ushort GetChain = (10 << 8) | 4; // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETCHAIN
    private const int ReplyTimeout = 5000;
    private const int TimedOut = 110; // ETIMEDOUT

    // NFTA_CHAIN_*
    private const int Table = 1;
    private const int Name = 3;
    private const int Hook = 4;
    private const int Policy = 5;
    private const int Type = 7;

    // NFTA_HOOK_*
    private const int HookNumber = 1;
    private const int HookPriority = 2;

    /// <exception cref="Win32Exception">The kernel does not answer.</exception>
    public static List<BaseChain> Read()
    {
        var chains = new List<BaseChain>();
        using var socket = new NetlinkSocket(NetlinkSocket.Netfilter);
        Span<byte> request = stackalloc byte[64];
        socket.Send(NetlinkMessage.Netfilter(request, GetChain, NetlinkFlags.Dump, 0).Bytes);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var datagram = socket.Receive(buffer, ReplyTimeout, out _);
            if (datagram.IsEmpty) throw new Win32Exception(TimedOut, "the kernel's nftables could not be read in time");
            var messages = new NetlinkMessages(datagram);
            while (messages.Next())
            {
                if (messages.Type is NetlinkMessages.Done or NetlinkMessages.Error) return chains;
                if (messages.Body.Length >= NetlinkMessages.NetfilterHeaderLength && Parse(messages.Body) is { } chain) chains.Add(chain);
            }
        }
    }

    private static BaseChain? Parse(ReadOnlySpan<byte> body)
    {
        var family = body[0] switch { 1 => "inet", 2 => "ip", 10 => "ip6", _ => null };
        var attributes = body[NetlinkMessages.NetfilterHeaderLength..];
        var hook = NetlinkMessages.Attribute(attributes, Hook);
        if (family is null || hook.IsEmpty) return null;
        var number = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(hook, HookNumber));
        if (number > (uint)NetfilterHook.Postrouting) return null; // ingress: before any protocol
        var priority = NetlinkMessages.Attribute(hook, HookPriority);
        return new BaseChain(
            family,
            Text(NetlinkMessages.Attribute(attributes, Table)),
            Text(NetlinkMessages.Attribute(attributes, Name)),
            (NetfilterHook)number,
            priority.Length < 4 ? 0 : BinaryPrimitives.ReadInt32BigEndian(priority),
            Text(NetlinkMessages.Attribute(attributes, Type)),
            NetlinkMessages.Attribute(attributes, Policy) is { Length: 4 } policy && NetlinkMessages.BigEndian(policy) == 0); // NF_DROP
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value).TrimEnd('\0');
}
