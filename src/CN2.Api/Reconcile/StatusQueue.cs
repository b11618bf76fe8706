using CN2.Network.Collections;

namespace CN2.Api.Reconcile;

/// <summary>The owners whose status must be drafted again, and what was last drafted of each resource.</summary>
internal sealed class StatusQueue
{
    /// <summary>Owners whose statuses are drafted at once.</summary>
    public const int BatchSize = 250;

    /// <summary>
    /// A status is drafted this long after its owner was touched: answers of vRouters and the speaker that come meanwhile are part of it,
    /// instead of being a write, a change row and an event each. Entries that are sent meanwhile begin that time once more, and only once: an agent that
    /// never answers keeps no status for longer.
    /// </summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// A status waits for so long at most until the changes of its owner that are on their way have arrived: an owner that changes all the time always has some.
    /// </summary>
    public static readonly TimeSpan LongestPass = TimeSpan.FromMilliseconds(500);

    /// <summary>Owners that have settled.</summary>
    private readonly HashSet<Guid> _due = [];

    /// <summary>Owners that settle, with their group. In the order of the time at which it is due; <see cref="_touched"/> is the last.</summary>
    private readonly Dictionary<Guid, HashSet<Guid>> _settling = [];
    private readonly Queue<(DateTimeOffset DueAt, HashSet<Guid> Owners)> _groups = new();

    /// <summary>Owners that were touched since the last <see cref="Take"/>: they settle from the next one on.</summary>
    private HashSet<Guid> _touched = [];

    /// <summary>Owners that settle for the second time, or have.</summary>
    private readonly HashSet<Guid> _restarted = [];

    /// <summary>Owner → since when it is passed over.</summary>
    private readonly Dictionary<Guid, DateTimeOffset> _passedOver = [];

    /// <summary>
    /// Resource → its last draft that was handed over, written or not yet. A status that returns to an earlier text is news too, so what
    /// the database has is no measure.
    /// </summary>
    private readonly Dictionary<Guid, UInt128> _drafted = [];
    private bool _isWriting;

    /// <summary>When the last batch was taken that left nothing behind but what is not sent yet.</summary>
    private DateTimeOffset _emptiedAt;

    public bool IsEmpty => _due.Count + _settling.Count == 0;

    /// <summary>Some have settled, and wait only for their turn.</summary>
    public bool HasDue => _due.Count > 0;

    public void Add(Guid owner)
    {
        if (!_due.Contains(owner) && _settling.TryAdd(owner, _touched)) _touched.Add(owner);
    }

    public void Add(IEnumerable<Guid> owners)
    {
        foreach (var owner in owners) Add(owner);
    }

    /// <summary>Connected agents are being sent entries of these owners: their statuses would say that the agents are awaited, which is over in a moment.</summary>
    public void EntriesSent(IEnumerable<Guid> owners)
    {
        foreach (var owner in owners)
        {
            if (_touched.Contains(owner) || _restarted.Contains(owner)) continue;
            if (_settling.TryGetValue(owner, out var group)) group.Remove(owner);
            else if (!_due.Remove(owner)) continue;
            _touched.Add(owner);
            _settling[owner] = _touched;
            _restarted.Add(owner);
        }
    }

    public void Clear()
    {
        _due.Clear();
        _settling.Clear();
        _groups.Clear();
        _touched.Clear();
        _restarted.Clear();
        _passedOver.Clear();
        GiveBackRoom();
    }

    private void GiveBackRoom()
    {
        _due.GiveBackRoom();
        _settling.GiveBackRoom();
        _restarted.GiveBackRoom();
        _passedOver.GiveBackRoom();
    }

    /// <summary>
    /// The owners to draft now. Empty while their statuses settle, while the last batch is being written, and until it is <see cref="SettleTime"/> old:
    /// while resources are created all the time, each round of the loop would otherwise write the few statuses of one round.
    /// </summary>
    /// <param name="isBeingSent">Changes of the owner are on their way (<see cref="VirtualRouterLedger.IsBeingSent"/>). Its status would only say so: it stays until then, for <see cref="LongestPass"/> at most.</param>
    public IReadOnlyList<Guid> Take(DateTimeOffset now, NextTick next, Predicate<Guid> isBeingSent)
    {
        Settle(now, next);
        if (_due.Count == 0 || _isWriting) return [];
        if (now >= _emptiedAt && now < _emptiedAt + SettleTime)
        {
            next.NoLaterThan(_emptiedAt + SettleTime);
            return [];
        }

        // Those that have been passed over for long come first.
        List<Guid> batch = [.. _passedOver.Where(p => p.Value + LongestPass <= now && _due.Contains(p.Key)).Select(p => p.Key).Take(BatchSize)];
        _due.ExceptWith(batch);
        foreach (var owner in _due)
        {
            if (batch.Count == BatchSize) break;
            if (!isBeingSent(owner))
            {
                batch.Add(owner);
                continue;
            }

            _passedOver.TryAdd(owner, now);
            next.NoLaterThan(_passedOver[owner] + LongestPass);
        }

        _due.ExceptWith(batch);
        _restarted.ExceptWith(batch);
        foreach (var owner in batch) _passedOver.Remove(owner);
        GiveBackRoom();
        if (batch.Count is > 0 and < BatchSize) _emptiedAt = now;
        return batch;
    }

    /// <summary>The drafts that differ from the last ones of their resources. They are to be written: until <see cref="WereWritten"/> no batch follows.</summary>
    public IReadOnlyList<StatusDraft> TakeNews(IEnumerable<StatusDraft> drafts)
    {
        var news = new List<StatusDraft>();
        foreach (var draft in drafts)
        {
            var hash = draft.Hash;
            if (_drafted.TryGetValue(draft.Uid, out var before) && before == hash) continue;
            _drafted[draft.Uid] = hash;
            news.Add(draft);
        }

        _isWriting |= news.Count > 0;
        return news;
    }

    public void WereWritten() => _isWriting = false;

    /// <summary>The resource does not exist any more.</summary>
    public void Forget(Guid uid) => _drafted.Remove(uid);

    /// <summary>Another replica may have written since: every draft is news.</summary>
    public void ForgetDrafts() => _drafted.Clear();

    private void Settle(DateTimeOffset now, NextTick next)
    {
        if (_touched.Count > 0)
        {
            _groups.Enqueue((now + SettleTime, _touched));
            _touched = [];
        }

        while (_groups.TryPeek(out var group))
        {
            if (group.DueAt > now)
            {
                next.NoLaterThan(group.DueAt);
                break;
            }

            _groups.Dequeue();
            foreach (var owner in group.Owners)
            {
                _settling.Remove(owner);
                _due.Add(owner);
            }
        }
    }
}
