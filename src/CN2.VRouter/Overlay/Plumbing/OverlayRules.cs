using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Routing rules by rtnetlink (linux/fib_rules.h). The agent's rules have its protocol and a preference of its range.</summary>
internal static class OverlayRules
{
    private const int HeaderLength = 12; // fib_rule_hdr
    private const int Action = 7; // offset in the header
    private const int Priority = 6;
    private const int Mark = 10;
    private const int Table = 15;
    private const int Mask = 16;
    private const int Protocol = 21;
    private const byte ToTable = 1;
    private const byte Unreachable = 7;

    public static HashSet<OverlayRule> Read(RouteSocket socket, byte family)
    {
        var rules = new HashSet<OverlayRule>();
        var message = socket.Begin(RouteMessages.GetRule, NetlinkFlags.Dump, HeaderLength);
        message.TypeHeader[0] = family;
        socket.AskAll(message, "rules", body =>
        {
            if (Parse(body) is { } rule) rules.Add(rule);
        });
        return rules;
    }

    public static void Add(RouteSocket socket, OverlayRule rule) =>
        Queue(socket, RouteMessages.NewRule, NetlinkFlags.Create | NetlinkFlags.Exclusive, rule, Posix.Exists);

    public static void Remove(RouteSocket socket, OverlayRule rule) => Queue(socket, RouteMessages.DeleteRule, 0, rule, Posix.NoEntry);

    /// <summary>Reads the body of a message about a rule; null: the rule is not the agent's.</summary>
    public static OverlayRule? Parse(ReadOnlySpan<byte> body)
    {
        if (body.Length < HeaderLength) return null;
        var attributes = body[HeaderLength..];
        if (NetlinkMessages.Attribute(attributes, Protocol) is not [OverlayNumbers.RouteProtocol]) return null;
        var preference = Number(NetlinkMessages.Attribute(attributes, Priority));
        return preference is >= OverlayNumbers.FromVpnPreference and <= OverlayNumbers.GuardPreference
            ? new OverlayRule(body[0], preference, Number(NetlinkMessages.Attribute(attributes, Mark)))
            : null;
    }

    private static void Queue(RouteSocket socket, ushort type, ushort flags, OverlayRule rule, int tolerated)
    {
        var message = socket.Begin(type, flags, HeaderLength);
        message.TypeHeader[0] = rule.Family;
        message.TypeHeader[Action] = rule.IsGuard ? Unreachable : ToTable;
        message.Add(Priority, rule.Preference);
        message.Add(Mark, rule.Mark);
        message.Add(Mask, rule.IsGuard ? OverlayNumbers.MarkMask : uint.MaxValue);
        if (!rule.IsGuard) message.Add(Table, OverlayNumbers.RoutingTable((int)(rule.Mark & ~OverlayNumbers.MarkMask)));
        message.Add(Protocol, [OverlayNumbers.RouteProtocol]);
        socket.Queue(message, () => $"rule {rule.Preference} for the mark 0x{rule.Mark:x}", tolerated);
    }

    private static uint Number(ReadOnlySpan<byte> value) => value.Length < 4 ? 0 : BitConverter.ToUInt32(value);
}
