namespace CN2.VRouter.Netlink;

/// <summary>Flags of a request (NLM_F_*, linux/netlink.h).</summary>
internal static class NetlinkFlags
{
    public const ushort Acknowledge = 4;
    public const ushort Replace = 0x100;
    public const ushort Exclusive = 0x200;
    public const ushort Dump = 0x300;
    public const ushort Create = 0x400;

    internal const ushort Request = 1;
}
