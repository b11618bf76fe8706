using System.Net;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter;

/// <summary>What the command line asks for.</summary>
public abstract record AgentCommand
{
    private AgentCommand()
    {
    }

    public sealed record Help : AgentCommand;

    /// <summary>Remove the tables and end.</summary>
    public sealed record Flush(string Table) : AgentCommand;

    /// <summary>Faults in the command line, all of them.</summary>
    public sealed record Wrong(IReadOnlyList<string> Faults) : AgentCommand;

    /// <summary>
    /// Run. <paramref name="StateDirectory"/>: where the last health states are kept; null: nowhere. The addresses are the BGP next
    /// hops of this node and the source of flows it sends to other nodes. <paramref name="Overlay"/>: who carries VPN packets.
    /// </summary>
    public sealed record Run(
        IReadOnlyList<Uri> Servers,
        string Name,
        IPAddress Address,
        IPAddress? Address6,
        string? StateDirectory,
        string Table,
        OverlayChoice Overlay = OverlayChoice.Auto) : AgentCommand;
}
