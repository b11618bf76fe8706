using System.Net;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter;

/// <summary>What the command line asks for (docs/contract.md §1).</summary>
public abstract record AgentCommand
{
    private AgentCommand()
    {
    }

    /// <summary>The default of <c>--relay-port</c>: IANA has assigned it to nobody.</summary>
    public const int DefaultRelayPort = 8475;

    public sealed record Help : AgentCommand;

    /// <summary>Remove everything that agents with this table name left on the node, and end.</summary>
    public sealed record Flush(string Table) : AgentCommand;

    /// <summary>The command line has these faults.</summary>
    public sealed record Wrong(IReadOnlyList<string> Faults) : AgentCommand;

    /// <summary>
    /// Exchange a join token for the certificate of this node, which is kept in <paramref name="StateDirectory"/>. <paramref name="CaHash"/>: <c>sha256:</c> and 64
    /// hexadecimal digits, by which the agents' CA is known. <paramref name="Name"/>: null: that of the token. <paramref name="CaFile"/>: PEM file of the CAs that the
    /// server's certificate comes from; null: the agents' CA. <paramref name="Force"/>: also where a good certificate is.
    /// </summary>
    public sealed record Join(Uri Server, string Token, string CaHash, string StateDirectory, string? Name, string? CaFile, bool Force) : AgentCommand
    {
        /// <summary>Without the token, which is a secret.</summary>
        public override string ToString() => $"join {Server}";
    }

    /// <summary>
    /// Run the agent. <paramref name="StateDirectory"/>: where the last health states are kept; null: they are not kept. The addresses are
    /// the BGP next hops of this node and the source of flows to endpoints on other nodes. <paramref name="Overlay"/>: which tunnels carry
    /// VPN packets. <paramref name="CaFile"/>: PEM file of the CAs whose certificates https:// servers have; null: the system's store.
    /// <paramref name="RelayPort"/>: at which agents relay ICMP errors to each other; 0: they do not.
    /// </summary>
    public sealed record Run(
        IReadOnlyList<Uri> Servers,
        string Name,
        IPAddress Address,
        IPAddress? Address6,
        string? StateDirectory,
        string Table,
        OverlayChoice Overlay = OverlayChoice.Auto,
        string? CaFile = null,
        int RelayPort = AgentCommand.DefaultRelayPort) : AgentCommand;
}
