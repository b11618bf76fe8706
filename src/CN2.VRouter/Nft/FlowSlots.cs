using System.Buffers.Binary;
using System.Numerics;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Which backend a new flow draws. With few backends of equal weight the drawn number is the backend: each gets the same share, and nearly every new flow may be
/// sent to another one when one comes or goes. Where that would move many flows, the client must keep its backend, or weights differ, the number is one of many
/// slots, and weighted rendezvous hashing (Thaler and Ravishankar 1998; Schindelhauer and Schomaker 2005) gives each slot to a backend: only the slots of a backend
/// that goes get another one, a backend that comes takes its slots evenly from all, and a change of a weight moves little more than what shares change by. A backend gets
/// at most <see cref="Headroom"/> of its share, and at least one slot. How many slots there are depends on the number of backends, and on the owner's number of entries
/// (<see cref="SlotBudget"/>): another number of slots sends nearly every new flow elsewhere, and each slot is an element of every node's table. Pure: nodes with the same backends draw alike.
/// </summary>
internal static class FlowSlots
{
    /// <summary>Entries with fewer backends have no slots, unless a client keeps its backend (<c>sessionAffinity: ClientIP</c>) or weights differ.</summary>
    internal const int FewestBackends = 32;

    /// <summary>The slots of a backend at least, on the average, up to <see cref="DataplaneNatEntry.MostSlots"/> of an entry.</summary>
    private const int PerBackend = 12;

    /// <summary>The same where the owner has many entries.</summary>
    private const int PerBackendOfMany = 2;

    private const double Headroom = 1.25;

    /// <summary>Of different weights and fewer backends than <see cref="FewestBackends"/>: there are few slots, and their shares are as exact as slots can make them.</summary>
    private const double HeadroomOfFewWeights = 1;

    /// <summary>How many numbers are drawn from.</summary>
    public static int CountOf(DataplaneNatEntry natEntry)
    {
        var backends = natEntry.Backends.Count;
        if (!HasSlots(natEntry)) return backends;
        var most = Math.Min(SlotBudget.Most, Math.Max(natEntry.MostSlots, PowerOfTwo(backends * PerBackendOfMany)));
        return Math.Min(most, PowerOfTwo(backends * PerBackend));
    }

    /// <summary>The backend of each number that can be drawn, as an index of the entry's backends.</summary>
    public static int[] BackendsOf(DataplaneNatEntry natEntry)
    {
        var backends = natEntry.Backends;
        var slots = new int[CountOf(natEntry)];
        if (!HasSlots(natEntry))
        {
            for (var i = 0; i < slots.Length; i++) slots[i] = i;
            return slots;
        }

        var seeds = new ulong[backends.Count];
        var headroom = IsWeighted(backends) && backends.Count < FewestBackends ? HeadroomOfFewWeights : Headroom;
        var weights = backends.Select(b => (double)b.Weight).ToArray();
        var total = weights.Sum();
        var most = new int[backends.Count];
        for (var i = 0; i < seeds.Length; i++)
        {
            seeds[i] = SeedOf(backends[i]);
            most[i] = (int)Math.Ceiling(headroom * slots.Length * weights[i] / total);
        }

        var taken = new int[backends.Count];
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var (best, least) = (-1, double.PositiveInfinity);
            for (var i = 0; i < seeds.Length; i++)
            {
                if (taken[i] == most[i]) continue;
                // The logarithm is needed for few: −ln u is never less than 1 − u.
                var drawn = Draw(seeds[i], slot);
                if (1 - drawn >= least * weights[i]) continue;
                var score = -Math.Log(drawn) / weights[i];
                if (score < least) (best, least) = (i, score);
            }

            taken[best]++;
            slots[slot] = best;
        }

        for (var i = 0; i < taken.Length; i++)
            if (taken[i] == 0) GiveOne(i, seeds[i], slots, taken);
        return slots;
    }

    /// <summary>The number is a slot. More backends than <see cref="SlotBudget.Most"/> have none, and get the same share whatever their weights.</summary>
    private static bool HasSlots(DataplaneNatEntry natEntry) =>
        natEntry.Backends.Count < SlotBudget.Most
        && (natEntry.Backends.Count >= (natEntry.ClientIPAffinity ? 2 : FewestBackends) || IsWeighted(natEntry.Backends));

    private static bool IsWeighted(EquatableList<DataplaneBackend> backends)
    {
        foreach (var backend in backends)
            if (backend.Weight != backends[0].Weight) return true;
        return false;
    }

    /// <summary>A backend too light for a slot gets the one that suits it best, of a backend that has another.</summary>
    private static void GiveOne(int backend, ulong seed, int[] slots, int[] taken)
    {
        var (best, highest) = (-1, double.NegativeInfinity);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            if (taken[slots[slot]] > 1 && Draw(seed, slot) is var drawn && drawn > highest) (best, highest) = (slot, drawn);
        }

        taken[slots[best]]--;
        (slots[best], taken[backend]) = (backend, 1);
    }

    private static int PowerOfTwo(int number) => (int)BitOperations.RoundUpToPowerOf2((uint)number);

    /// <summary>A number above 0 and at most 1, of 53 bits.</summary>
    private static double Draw(ulong seed, int slot) => ((long)(Mix(seed ^ ((ulong)slot * 0x9e37_79b9_7f4a_7c15)) >> 11) + 0.5) * (1.0 / (1L << 53));

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
