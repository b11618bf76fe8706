namespace CN2.VRouter.V1;

/// <summary>
/// The timing of the stream in vrouter.proto. Agent and server compile this file, because each side relies on the other's interval:
/// a side that was silent for <see cref="Patience"/> counts as gone.
/// </summary>
internal static class HeartbeatProtocol
{
    /// <summary>Each side sends a Heartbeat this often.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A side that receives nothing for this long ends the stream. Three intervals, so that one late Heartbeat ends nothing. It must
    /// stay below the server's <c>VRouters__LostAfterSeconds</c> (default 10 s, docs/contract.md §1): the agent then reaches another
    /// server before its routes are withdrawn. Below 3 s, pulses and witnesses decide about a node that is gone; an agent that only lost its stream has 10 s all the same.
    /// </summary>
    public static readonly TimeSpan Patience = 3 * Interval;
}
