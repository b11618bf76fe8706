using System.Buffers.Binary;
using System.Numerics;
using CN2.Network.Collections;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Which backend a new flow draws. With few backends the drawn number is the backend: each gets the same share, and nearly every new flow may be sent to another
/// one when one comes or goes. Where that would move many flows, or the client must keep its backend, the number is one of many slots, and rendezvous hashing
/// (Thaler and Ravishankar 1998) gives each slot to a backend: only the slots of a backend that goes get another one, and a backend that comes takes its slots evenly
/// from all. A backend gets at most <see cref="Headroom"/> of its even share. Pure: nodes with the same backends draw alike.
/// </summary>
internal static class FlowSlots
{
    /// <summary>Entries with fewer backends have no slots, unless a client keeps its backend (<c>sessionAffinity: ClientIP</c>).</summary>
    internal const int FewestBackends = 32;

    /// <summary>The slots of a backend at least, up to <see cref="Most"/> of an entry. Each is an element of the table.</summary>
    private const int PerBackend = 12;
    private const int Most = 8192;

    private const double Headroom = 1.25;

    /// <summary>How many numbers are drawn from.</summary>
    public static int CountOf(DataplaneNatEntry natEntry) =>
        natEntry.Backends.Count < (natEntry.ClientIPAffinity ? 2 : FewestBackends)
            ? natEntry.Backends.Count
            : Math.Max(natEntry.Backends.Count, Math.Min(Most, (int)BitOperations.RoundUpToPowerOf2((uint)natEntry.Backends.Count * PerBackend)));

    /// <summary>The backend of each number that can be drawn, as an index of the entry's backends.</summary>
    public static int[] BackendsOf(DataplaneNatEntry natEntry)
    {
        var backends = natEntry.Backends;
        var slots = new int[CountOf(natEntry)];
        if (slots.Length == backends.Count)
        {
            for (var i = 0; i < slots.Length; i++) slots[i] = i;
            return slots;
        }

        var seeds = new ulong[backends.Count];
        for (var i = 0; i < seeds.Length; i++) seeds[i] = SeedOf(backends[i]);
        var most = (int)Math.Ceiling(Headroom * slots.Length / backends.Count);
        var taken = new int[backends.Count];
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var (best, highest) = (-1, 0ul);
            for (var i = 0; i < seeds.Length; i++)
            {
                if (taken[i] == most) continue;
                var rank = Mix(seeds[i] ^ ((ulong)slot * 0x9e37_79b9_7f4a_7c15));
                if (best >= 0 && rank <= highest) continue;
                (best, highest) = (i, rank);
            }

            taken[best]++;
            slots[slot] = best;
        }

        return slots;
    }

    private static ulong SeedOf(DataplaneBackend backend)
    {
        Span<byte> octets = stackalloc byte[18];
        backend.Address.TryWriteBytes(octets, out var length);
        BinaryPrimitives.WriteUInt16BigEndian(octets[length..], backend.Port);
        return Mix(Fnv1a.Of(octets[..(length + 2)]));
    }

    /// <summary>Spreads every bit over all others: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value = unchecked((value ^ (value >> 30)) * 0xbf58_476d_1ce4_e5b9);
        value = unchecked((value ^ (value >> 27)) * 0x94d0_49bb_1331_11eb);
        return value ^ (value >> 31);
    }
}
