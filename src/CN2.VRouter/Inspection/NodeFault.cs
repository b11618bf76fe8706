using CN2.Network.Status;

namespace CN2.VRouter.Inspection;

/// <summary>Something on the node itself that drops or misroutes what the node forwards.</summary>
/// <param name="Reason">One word in CamelCase, for programs (docs/node.md lists them).</param>
/// <param name="Message">A sentence without a full stop: what it is by name, and what to do.</param>
/// <param name="Traffic">What it stops.</param>
/// <param name="Stops">True: it stops traffic. False: whether it does cannot be told from here.</param>
public sealed record NodeFault(string Reason, string Message, TrafficKinds Traffic, bool Stops = true);

/// <summary>The reasons of <see cref="NodeFault"/>.</summary>
internal static class NodeFaultReason
{
    public const string ForwardingOff = "ForwardingOff";
    public const string ForeignChainDrops = "ForeignChainDrops";
    public const string ForeignChainMayDrop = "ForeignChainMayDrop";
    public const string StrictReversePathFilter = "StrictReversePathFilter";
    public const string ConntrackFull = "ConntrackFull";
    public const string ConntrackNearlyFull = "ConntrackNearlyFull";
}
