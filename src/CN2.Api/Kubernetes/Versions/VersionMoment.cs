using CN2.Api.Data;

namespace CN2.Api.Kubernetes.Versions;

/// <summary>A moment of the database, as far as versions need it.</summary>
/// <param name="EpochBegan">When the epoch of the feed began.</param>
/// <param name="Seen">The transactions that the moment sees.</param>
/// <param name="Kept">The newest snapshot that <see cref="Retention"/> had kept by then; null: none.</param>
public sealed record VersionMoment(DateTimeOffset EpochBegan, FeedSnapshot Seen, FeedSnapshot? Kept)
{
    /// <summary>
    /// The version of a list that this moment sees: the newest transaction below which none is running. One that was running already when the
    /// snapshot was kept does not hold it back, however long it stays open: a watch begins with what that snapshot had not seen.
    /// </summary>
    public ResourceVersion Version
    {
        get
        {
            var last = LastBefore(Seen.Running.Where(x => Kept is null || x >= Kept.Xmax));
            // By its number alone, the list must be later than the kept snapshot.
            return ResourceVersion.OfList(EpochBegan, Kept is null || Kept.Xmax <= last ? last : LastBefore(Seen.Running));
        }
    }

    /// <summary>What is certainly seen by who has seen a list.</summary>
    /// <param name="version">The list's.</param>
    /// <param name="kept">The newest kept snapshot whose end (Xmax) is not after the version; null: none.</param>
    public static FeedSnapshot SeenByList(ResourceVersion version, FeedSnapshot? kept) => new(version.Transaction + 1, kept is null ? [] : [.. kept.Running]);

    /// <summary>What is certainly seen by who has seen an object.</summary>
    /// <param name="horizon">Every transaction before it had ended when the object was changed.</param>
    /// <param name="kept">A snapshot that was kept before the change was visible; null: none.</param>
    public static FeedSnapshot SeenByObject(ulong horizon, FeedSnapshot? kept) =>
        kept is null || horizon >= kept.Xmax ? new FeedSnapshot(horizon, []) : new FeedSnapshot(kept.Xmax, [.. kept.Running.Where(x => x >= horizon)]);

    private ulong LastBefore(IEnumerable<ulong> running) => running.Append(Seen.Xmax).Min() - 1;
}
