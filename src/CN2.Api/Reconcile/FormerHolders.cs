using System.Net;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// FloatingIPs that left the database while this replica still had their routes or entries: the commits that made them were lost in a
/// fail-over, or an earlier state was restored. The database may give such an address to somebody else at once. Its new holder waits here
/// until the former one has left the routers and the vRouters, so that no route and no entry of two holders are out together.
/// </summary>
internal sealed class FormerHolders(LoopState state)
{
    /// <summary>Address → the FloatingIP that had it.</summary>
    private readonly Dictionary<IPAddress, Guid> _former = [];

    /// <summary>The new holders, as last read.</summary>
    private readonly Dictionary<Guid, FloatingIP> _waiting = [];

    public IEnumerable<Guid> Waiting => _waiting.Keys;

    /// <summary>The row of this FloatingIP is gone; called before it leaves memory.</summary>
    public void Removed(Guid uid)
    {
        _waiting.Remove(uid);
        if (state.Resources.TryGetFloatingIP(uid) is { } known && !state.Sequencer.IsQuiet(uid)) _former[known.Address] = uid;
        Note();
    }

    /// <summary>True: another FloatingIP's routes or entries for this address are still out, so this one is kept until they are gone.</summary>
    public bool MustWait(FloatingIP floatingIP)
    {
        if (_former.Count == 0 || !_former.TryGetValue(floatingIP.Address, out var former)) return false;
        if (former == floatingIP.Uid || state.Sequencer.IsQuiet(former))
        {
            _former.Remove(floatingIP.Address);
            _waiting.Remove(floatingIP.Uid);
            Note();
            return false;
        }

        _waiting[floatingIP.Uid] = floatingIP;
        Note();
        return true;
    }

    /// <summary>Those that need not wait any more.</summary>
    public IReadOnlyList<FloatingIP> TakeDue()
    {
        if (_former.Count == 0) return [];
        foreach (var (address, _) in _former.Where(f => state.Sequencer.IsQuiet(f.Value)).ToList()) _former.Remove(address);
        List<FloatingIP> due = [.. _waiting.Values.Where(f => !_former.ContainsKey(f.Address))];
        foreach (var floatingIP in due) _waiting.Remove(floatingIP.Uid);
        Note();
        return due;
    }

    /// <summary>Nobody may be told that the vRouters have everything while an address waits.</summary>
    private void Note() => state.Ledger.IsPartial = _waiting.Count > 0;
}
