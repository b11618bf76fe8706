using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>What the task that applies configurations reacts to.</summary>
internal abstract record UpdaterEvent
{
    private UpdaterEvent()
    {
    }

    /// <summary>A server has accepted the hello; its messages follow.</summary>
    public sealed record Connected(ServerStream Stream) : UpdaterEvent;

    public sealed record Received(ServerMessage Message) : UpdaterEvent;

    /// <summary>Another process has changed what the data plane holds.</summary>
    public sealed record Drift(string What) : UpdaterEvent;

    /// <summary>The addresses of the <see cref="NodeFence"/> are others now.</summary>
    public sealed record Fenced(IReadOnlySet<System.Net.IPAddress> Addresses) : UpdaterEvent;

    /// <summary>The interfaces of <see cref="Inspection.NodeUplinks"/> are others now.</summary>
    public sealed record Uplinked : UpdaterEvent;

    /// <summary>It is time to repeat what the kernel refused.</summary>
    public sealed record Retry : UpdaterEvent;
}
