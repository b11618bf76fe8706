namespace CN2.Api.Reconcile;

/// <summary>How many agents a control node is to have, and when it has too many. Pure.</summary>
/// <param name="Margin">
/// A control node with fewer agents than this above its share has not too many: in a small fleet nothing is gained when one of them moves. At least one.
/// </param>
internal sealed record AgentShare(int Margin)
{
    public static readonly AgentShare Default = new(5);

    /// <summary>The part of its agents that a control node sends on in a second at most: what the others have to do for them is noticed by nobody.</summary>
    public const double PartASecond = 0.02;

    /// <param name="agents">Those that are connected to any control node that takes agents.</param>
    /// <param name="controlNodes">Those that take agents; at least one.</param>
    public static int Of(int agents, int controlNodes) => (agents + controlNodes - 1) / controlNodes;

    /// <summary>
    /// When one of n control nodes comes back, it has no agents, and each of the others has n/(n-1) times its share: twice the share with two control nodes, a
    /// ninth more than it with ten. A factor that is the same for all n is never reached with many of them. So this one is 1 + 1/(2n): less than half of that excess
    /// suffices, from two control nodes to ten. The agents' own orders of their servers make shares equal but for chance, which may exceed that with many control nodes:
    /// then a few agents move once.
    /// </summary>
    public bool IsClearlyExceeded(int here, int share, int controlNodes) => 2L * controlNodes * here > ((2L * controlNodes) + 1) * share && IsExceeded(here, share);

    public bool IsExceeded(int here, int share) => here >= share + Margin;

    /// <summary>How many to send on in this second; 0: the control node has its share.</summary>
    public static int ExcessOfSecond(int here, int share) => Math.Min(Math.Max(here - share, 0), Math.Max((int)(here * PartASecond), 1));
}
