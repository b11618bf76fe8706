using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CN2.VRouter;

/// <summary>
/// In which order an agent tries its servers (rendezvous hashing). Each agent has an order of its own, which stays the same over restarts and does not depend on
/// the order of the options: so the agents of a fleet spread evenly over the servers, and those of a server that is away evenly over the others.
/// </summary>
internal static class ServerOrder
{
    /// <param name="agent">The name of the agent's VirtualRouter.</param>
    /// <param name="servers">One that is given twice counts once.</param>
    public static IReadOnlyList<Uri> Of(string agent, IReadOnlyList<Uri> servers) => [.. servers.Distinct().OrderByDescending(s => Weight(agent, s))];

    private static ulong Weight(string agent, Uri server) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{agent} {server.AbsoluteUri}")));
}
