using CN2.Network.Resources;

namespace CN2.Api.Allocation;

/// <summary>What one round of <see cref="AddressAllocator"/> has taken from one source: addresses that rested for a holder, who gets them, and others.</summary>
internal sealed class TakenAddresses
{
    private readonly Dictionary<NamespacedName, TakenAddress> _own = [];
    private readonly Queue<TakenAddress> _others = [];
    private readonly List<TakenAddress> _resting = [];

    /// <summary>Takes an address over.</summary>
    /// <param name="taken">The address.</param>
    /// <param name="isOwn">Its last holder is one of those that the round takes addresses for.</param>
    public void Add(TakenAddress taken, bool isOwn)
    {
        if (!isOwn || !_own.TryAdd(taken.LastHolder, taken)) _others.Enqueue(taken);
    }

    /// <summary>A demand that could not be served completely leaves it. One that rests is for nobody else in this round.</summary>
    public void GiveBack(TakenAddress taken)
    {
        if (taken.RestedUntil is null) _others.Enqueue(taken);
        else _resting.Add(taken);
    }

    /// <summary>An address for this holder; null: there is none.</summary>
    public TakenAddress? TakeFor(NamespacedName? holder) =>
        holder is { } name && _own.Remove(name, out var own) ? own : _others.TryDequeue(out var other) ? other : null;

    /// <summary>Nobody has needed them.</summary>
    public IEnumerable<TakenAddress> Left => [.. _own.Values, .. _others, .. _resting];
}
