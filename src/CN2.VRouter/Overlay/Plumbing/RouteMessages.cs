namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Types of rtnetlink's messages (RTM_*, linux/rtnetlink.h).</summary>
internal static class RouteMessages
{
    public const ushort NewLink = 16;
    public const ushort DeleteLink = 17;
    public const ushort GetLink = 18;
    public const ushort GetAddress = 22;
    public const ushort NewRoute = 24;
    public const ushort DeleteRoute = 25;
    public const ushort GetRoute = 26;
    public const ushort NewRule = 32;
    public const ushort DeleteRule = 33;
    public const ushort GetRule = 34;
}
