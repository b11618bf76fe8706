using CN2.Api.Data;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// What one flush sent to vRouters, and which of them have not acknowledged it. vRouters that got entries of the same owners share one, so that an
/// owner costs the same however many vRouters wait.
/// </summary>
/// <param name="after">What was sent before it: it covers the feed from there on.</param>
/// <param name="afterReading">The number of the reading of the feed that <paramref name="after"/> is.</param>
/// <param name="at">When it was sent; null: it is never overdue.</param>
internal sealed class Sending(AckMark mark, FeedPosition? after, IReadOnlyCollection<Guid> owners, DateTimeOffset? at = null, long afterReading = 0)
{
    private HashSet<Guid>? _ofMany;

    /// <summary>What acknowledges it.</summary>
    public AckMark Mark => mark;

    public FeedPosition? After => after;

    public long AfterReading => afterReading;

    /// <summary>They wait for it.</summary>
    public IReadOnlyCollection<Guid> Owners => _ofMany ?? owners;

    public DateTimeOffset? At => at;

    /// <summary>The agents get it one after the other, so it takes a moment until all have it.</summary>
    public bool IsInTurn { get; init; }

    /// <summary>It is of owners that concern one vRouter alone.</summary>
    public bool IsOwn { get; init; }

    public HashSet<VirtualRouterLedger.Account> Waiting { get; } = [];

    /// <summary>The owners of a later one wait for it as well. Answers those that were not part of it.</summary>
    public List<Guid> Add(Sending later)
    {
        _ofMany ??= [.. owners];
        return [.. later.Owners.Where(_ofMany.Add)];
    }
}
