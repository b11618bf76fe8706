namespace CN2.Api.Reconcile;

/// <summary>How many agents a control node is to have, and when it has too many. Pure.</summary>
internal static class AgentShare
{
    /// <summary>A control node has clearly too many agents with more than this times its share, and <see cref="Margin"/> more than it.</summary>
    public const double Factor = 1.25;

    public const int Margin = 20;

    /// <summary>The part of its agents that it sends on in a second at most: what the others have to do for them is noticed by nobody.</summary>
    public const double PartASecond = 0.02;

    /// <param name="agents">Those that are connected to any control node that is alive.</param>
    /// <param name="controlNodes">That are alive; at least one.</param>
    public static int Of(int agents, int controlNodes) => (agents + controlNodes - 1) / controlNodes;

    public static bool IsClearlyExceeded(int here, int share) => here > Factor * share && here >= share + Margin;

    /// <summary>How many to send on in this second; 0: the control node has its share.</summary>
    public static int ExcessOfSecond(int here, int share) => Math.Min(Math.Max(here - share, 0), Math.Max((int)(here * PartASecond), 1));
}
