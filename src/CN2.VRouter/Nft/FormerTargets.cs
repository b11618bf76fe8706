namespace CN2.VRouter.Nft;

/// <summary>
/// The targets that are in the kernel's sets of former targets: as many as the sets take, because nft would refuse a whole change for one
/// element too many, and each until it is surely gone. What finds no room is not remembered.
/// </summary>
internal sealed class FormerTargets(TimeProvider time)
{
    /// <summary>The kernel removes elements some time after they have run out.</summary>
    private static readonly TimeSpan Lifetime = NftReplies.FormerTime + TimeSpan.FromMinutes(2);

    /// <summary>Those of one change each.</summary>
    private readonly Queue<(long Since, IReadOnlyCollection<ReplyTarget> Targets)> _changes = [];
    private int _count;

    /// <summary>How many the next change may add.</summary>
    public int Room()
    {
        Forget();
        return NftReplies.MostFormer - _count;
    }

    /// <summary>All of them, for tables that replace those which hold them.</summary>
    public IReadOnlyCollection<ReplyTarget> All()
    {
        Forget();
        return _changes.SelectMany(c => c.Targets).ToHashSet();
    }

    /// <summary>The kernel has taken these.</summary>
    public void Add(IReadOnlyCollection<ReplyTarget> targets)
    {
        if (targets.Count == 0) return;
        _changes.Enqueue((time.GetTimestamp(), targets));
        _count += targets.Count;
    }

    /// <summary>The tables were replaced by some that hold these.</summary>
    public void Replace(IReadOnlyCollection<ReplyTarget> targets)
    {
        _changes.Clear();
        _count = 0;
        Add(targets);
    }

    private void Forget()
    {
        while (_changes.TryPeek(out var first) && time.GetElapsedTime(first.Since) > Lifetime) _count -= _changes.Dequeue().Targets.Count;
    }
}
