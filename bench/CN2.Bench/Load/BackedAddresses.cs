extern alias agent;

using agent::CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.Bench.Load;

/// <summary>The addresses of which one agent has an entry with a local backend now, by the messages that it got. Thread-safe.</summary>
internal sealed class BackedAddresses
{
    private readonly HashSet<(ByteString Address, uint Port)> _backed = [];

    public int Count
    {
        get
        {
            lock (_backed) return _backed.Count;
        }
    }

    /// <summary>Takes a message of the server.</summary>
    public void Take(ServerMessage message)
    {
        lock (_backed)
        {
            foreach (var key in message.Delta?.RemovedNatEntries ?? []) _backed.Remove((key.Address, key.Port));
            foreach (var entry in (message.Delta?.Put ?? message.Snapshot?.Items)?.NatEntries ?? [])
            {
                if (entry.Backends.Any(b => b.Local)) _backed.Add((entry.Key.Address, entry.Key.Port));
                else _backed.Remove((entry.Key.Address, entry.Key.Port));
            }
        }
    }
}
