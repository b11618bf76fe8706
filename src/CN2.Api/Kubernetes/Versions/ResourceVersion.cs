using System.Globalization;

namespace CN2.Api.Kubernetes.Versions;

/// <summary>
/// A <c>resourceVersion</c>: a transaction within a life of the database (docs/adr/0011-the-kubernetes-front.md). As a number the upper 21 bits
/// (below the sign) are the epoch, so that versions of a later epoch are greater, the next 40 the transaction, and the lowest 2 say whose version
/// it is: 0 to 2 an object's, 3 a list's, which has seen that transaction and all before it. Clients see it as a decimal text.
/// </summary>
/// <param name="Value">The number; never negative.</param>
public readonly record struct ResourceVersion(long Value) : IComparable<ResourceVersion>
{
    /// <summary>So many changes that became visible after a newer one are told apart.</summary>
    public const int MostLate = 2;

    private const int KindBits = 2;
    private const int ListKind = 3;
    private const int TransactionBits = 40;
    private const int EpochShift = TransactionBits + KindBits;
    private const ulong LastTransaction = (1UL << TransactionBits) - 1;
    private static readonly TimeSpan EpochUnit = TimeSpan.FromMinutes(15);
    private static readonly DateTimeOffset FirstEpoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The version of an object.</summary>
    /// <param name="epochBegan">When the epoch of the feed began (<c>feed_epoch.begun_at</c>).</param>
    /// <param name="transaction">The transaction id with its epoch (xid8); beyond 2⁴⁰ it is cut, which is 34 years of 1,000 a second.</param>
    /// <param name="late">
    /// How many changes of the object have an older transaction that may have committed after this one: with each of them the object looks
    /// otherwise, so it has another version.
    /// </param>
    public static ResourceVersion Of(DateTimeOffset epochBegan, ulong transaction, int late = 0) =>
        new(EpochOf(epochBegan) << EpochShift | (long)Math.Min(transaction, LastTransaction) << KindBits | (long)Math.Min(late, MostLate));

    /// <summary>The version of a list or a bookmark that has seen every transaction up to this one.</summary>
    public static ResourceVersion OfList(DateTimeOffset epochBegan, ulong transaction) =>
        new(Of(epochBegan, transaction).Value | ListKind);

    /// <summary>It is a list's or a bookmark's, and no object's.</summary>
    public bool IsList => (Value & ListKind) == ListKind;

    /// <summary>The transaction, without the epoch.</summary>
    public ulong Transaction => (ulong)(Value >> KindBits) & LastTransaction;

    /// <summary>It belongs to the epoch that began then; a version of another one is too old, or comes from elsewhere.</summary>
    public bool IsOf(DateTimeOffset epochBegan) => Value >> EpochShift == EpochOf(epochBegan);

    /// <summary>Reads what a client sends. False: it is no version of ours, such as <c>abc</c>, <c>-1</c> or a number of more than 63 bits.</summary>
    public static bool TryParse(string? text, out ResourceVersion version)
    {
        var isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        version = new(value);
        return isNumber;
    }

    public int CompareTo(ResourceVersion other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    private static long EpochOf(DateTimeOffset began) => Math.Max(0, (began - FirstEpoch).Ticks / EpochUnit.Ticks);
}
