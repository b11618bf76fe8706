namespace CN2.VRouter.Nft;

/// <summary>
/// How many more former targets the kernel's sets take: nft would refuse a whole change because of one element too many. It counts those of all
/// sets as one, and each until it is surely gone. What finds no room is not remembered.
/// </summary>
internal sealed class FormerTargets(TimeProvider time)
{
    /// <summary>The kernel removes elements some time after they have run out.</summary>
    private static readonly TimeSpan Lifetime = NftReplies.FormerTime + TimeSpan.FromMinutes(2);

    /// <summary>One for each accepted change that had some.</summary>
    private readonly Queue<(long Since, int Count)> _accepted = [];
    private int _count;

    /// <summary>How many the next change may add.</summary>
    public int Room()
    {
        while (_accepted.TryPeek(out var first) && time.GetElapsedTime(first.Since) > Lifetime)
        {
            _accepted.Dequeue();
            _count -= first.Count;
        }

        return NftReplies.MostFormer - _count;
    }

    /// <summary>A change with so many was accepted.</summary>
    public void Accept(int count)
    {
        if (count == 0) return;
        _accepted.Enqueue((time.GetTimestamp(), count));
        _count += count;
    }

    /// <summary>The tables were replaced, and are without any.</summary>
    public void Clear()
    {
        _accepted.Clear();
        _count = 0;
    }
}
