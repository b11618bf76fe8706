using System.Numerics;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// How many numbers (slots) the new flows of a NAT entry are drawn from at most, where its vRouter gives slots to endpoints. Each slot is an element of every node's
/// tables, so the entries of one owner share <see cref="Limits.SlotsOfService"/>. A power of two, so that one entry more seldom changes those of the others: another number
/// of slots sends nearly every new flow elsewhere.
/// </summary>
public static class SlotBudget
{
    /// <summary>Of an entry whose owner has few.</summary>
    public const int Most = 8192;

    /// <summary>The part of each of this many entries.</summary>
    public static int OfEach(int entries) =>
        Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)(Limits.SlotsOfService / Math.Max(1, entries)) + 1) / 2, 1, Most);
}
