using CN2.Api.Http;
using CN2.Network.Resources;

namespace CN2.Api.Watch;

/// <summary>Counts the open watches of this replica, in all and by caller, up to <see cref="Limits.Watches"/> and <see cref="Limits.WatchesOfCaller"/>.</summary>
public sealed class WatchSlots
{
    /// <summary>When to try again: a watch lasts long, so there is no better guess.</summary>
    public const int RetryAfterSeconds = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<CallerKey, int> _ofCaller = [];
    private int _all;

    /// <summary>How many watches are open.</summary>
    public int Open
    {
        get
        {
            lock (_gate) return _all;
        }
    }

    /// <summary>Dispose the slot when the watch ends. Null: there is none; <paramref name="refusal"/> says why.</summary>
    public IDisposable? TryTake(CallerKey caller, out string? refusal)
    {
        lock (_gate)
        {
            var own = _ofCaller.GetValueOrDefault(caller);
            refusal = own >= Limits.WatchesOfCaller ? $"This caller has {own} watches open at this control node, and more are not possible; close some, or watch several kinds in one."
                : _all >= Limits.Watches ? $"This control node has {_all} watches open, and more are not possible; try another one."
                : null;
            if (refusal is not null) return null;
            _ofCaller[caller] = own + 1;
            _all++;
            return new Slot(this, caller);
        }
    }

    private void Free(CallerKey caller)
    {
        lock (_gate)
        {
            _all--;
            if (--_ofCaller[caller] == 0) _ofCaller.Remove(caller);
        }
    }

    private sealed class Slot(WatchSlots slots, CallerKey caller) : IDisposable
    {
        private int _freed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _freed, 1) == 0) slots.Free(caller);
        }
    }
}
