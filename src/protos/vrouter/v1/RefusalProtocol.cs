namespace CN2.VRouter.V1;

/// <summary>The bound of <c>Applied.refused</c> in vrouter.proto. Agent and server compile this file, because each side relies on the other's bound.</summary>
internal static class RefusalProtocol
{
    /// <summary>
    /// How many refused items one answer names, and a server keeps of one agent. An agent that refuses more refuses the whole revision. An
    /// answer stays well below the 4 MB that gRPC takes.
    /// </summary>
    public const int MaximumRefusals = 4_000;
}
