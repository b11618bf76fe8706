using System.Globalization;

namespace CN2.Api.Kubernetes.Versions;

/// <summary>
/// A <c>resourceVersion</c>: a transaction within a life of the database (docs/adr/0011-the-kubernetes-front.md). As a number the upper 21 bits
/// (below the sign) are the epoch, the lower 42 the transaction, so that versions of a later epoch are greater. Clients see it as a decimal text.
/// </summary>
/// <param name="Value">The number; never negative.</param>
public readonly record struct ResourceVersion(long Value) : IComparable<ResourceVersion>
{
    private const int TransactionBits = 42;
    private const long LastTransaction = (1L << TransactionBits) - 1;
    private static readonly TimeSpan EpochUnit = TimeSpan.FromMinutes(15);
    private static readonly DateTimeOffset FirstEpoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="epochBegan">When the epoch of the feed began (<c>feed_epoch.begun_at</c>).</param>
    /// <param name="transaction">The transaction id with its epoch (xid8); beyond 2⁴² it is cut, which is 46 years of 3,000 a second.</param>
    public static ResourceVersion Of(DateTimeOffset epochBegan, ulong transaction) =>
        new((EpochOf(epochBegan) << TransactionBits) | (long)Math.Min(transaction, LastTransaction));

    /// <summary>The transaction, without the epoch.</summary>
    public ulong Transaction => (ulong)(Value & LastTransaction);

    /// <summary>It belongs to the epoch that began then; a version of another one is too old, or comes from elsewhere.</summary>
    public bool IsOf(DateTimeOffset epochBegan) => Value >> TransactionBits == EpochOf(epochBegan);

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
