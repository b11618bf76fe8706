using CN2.Network.Collections;

namespace CN2.Api.Reconcile;

/// <summary>The sendings that some vRouter has not acknowledged, by owner.</summary>
internal sealed class AwaitedSendings
{
    /// <summary>So often it is said how far vRouters are that wait together: of a thousand, each would otherwise make news of all their owners.</summary>
    public static readonly TimeSpan PartInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Guid, List<Sending>> _byOwner = [];
    private HashSet<Sending> _passed = [];
    private HashSet<Sending> _passedInPart = [];
    private DateTimeOffset _partAt;
    private Sending? _rest;

    public void Wait(VirtualRouterLedger.Account account, Sending sending)
    {
        if (sending.Waiting.Count == 0) AddTo(sending, sending.Owners);
        sending.Waiting.Add(account);
    }

    /// <summary>
    /// Adds to what stands for all that is not told apart any more. It is one for all vRouters that are far behind: an owner of one of its messages waits for each of
    /// them.
    /// </summary>
    public Sending WaitForRest(VirtualRouterLedger.Account account, Sending sending)
    {
        if (_rest is not { Waiting.Count: > 0 })
        {
            _rest = new Sending(sending.Mark, sending.After, sending.Owners, sending.At, sending.AfterReading);
            AddTo(_rest, _rest.Owners);
        }
        else
        {
            AddTo(_rest, _rest.Add(sending));
        }

        _rest.Waiting.Add(account);
        return _rest;
    }

    /// <summary>The vRouter waits for it no more.</summary>
    public void Pass(VirtualRouterLedger.Account account, Sending sending)
    {
        if (!sending.Waiting.Remove(account)) return;
        if (sending.Waiting.Count > 0)
        {
            _passedInPart.Add(sending);
            return;
        }

        _passed.Add(sending);
        _passedInPart.Remove(sending);
        foreach (var owner in sending.Owners)
        {
            if (!_byOwner.TryGetValue(owner, out var sendings)) continue;
            sendings.Remove(sending);
            if (sendings.Count == 0) _byOwner.Remove(owner);
        }

        _byOwner.GiveBackRoom();
    }

    /// <summary>
    /// The owners that some vRouter does not let wait any more since the last call. Those of a sending come once, however many vRouters have passed it, and those of
    /// one that others still wait for every <see cref="PartInterval"/>.
    /// </summary>
    public IEnumerable<Guid> TakePassed(DateTimeOffset now)
    {
        var passed = _passed;
        _passed = [];
        if (now - _partAt >= PartInterval)
        {
            _partAt = now;
            passed.UnionWith(_passedInPart);
            _passedInPart = [];
        }

        return passed.SelectMany(s => s.Owners);
    }

    /// <summary>When <see cref="TakePassed"/> answers those that others still wait for; null: there are none.</summary>
    public DateTimeOffset? PartAt => _passedInPart.Count > 0 ? _partAt + PartInterval : null;

    public bool Awaits(VirtualRouterLedger.Account account, Guid owner) =>
        _byOwner.TryGetValue(owner, out var sendings) && sendings.Exists(s => s.Waiting.Contains(account));

    public IEnumerable<VirtualRouterLedger.Account> Of(Guid owner) =>
        _byOwner.TryGetValue(owner, out var sendings) ? sendings.Count == 1 ? sendings[0].Waiting : sendings.SelectMany(s => s.Waiting).Distinct() : [];

    /// <summary>The one that the owner waits for; null: there are several, or none.</summary>
    public Sending? OnlyOf(Guid owner) => _byOwner.TryGetValue(owner, out var sendings) && sendings.Count == 1 ? sendings[0] : null;

    /// <summary>The owner waits for a message that agents have been getting one after the other since <paramref name="after"/>.</summary>
    public bool IsInTurn(Guid owner, DateTimeOffset after) => _byOwner.TryGetValue(owner, out var sendings) && sendings.Exists(s => s.IsInTurn && s.At > after);

    private void AddTo(Sending sending, IEnumerable<Guid> owners)
    {
        foreach (var owner in owners)
        {
            if (!_byOwner.TryGetValue(owner, out var sendings)) _byOwner[owner] = sendings = new List<Sending>(1);
            sendings.Add(sending);
        }
    }
}
