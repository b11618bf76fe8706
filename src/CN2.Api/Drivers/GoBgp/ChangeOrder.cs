namespace CN2.Api.Drivers.GoBgp;

/// <summary>The changes of one call in the order in which they are sent, so that no limited router ever gets more prefixes than it takes.</summary>
internal sealed class ChangeOrder
{
    /// <summary>Prefixes that a router does not get any more: each path twice, with other identifiers, then the withdrawal of the first one.</summary>
    private readonly List<PathChange> _withheld = [];

    /// <summary>Paths of prefixes that are announced already.</summary>
    public List<PathChange> Kept { get; } = [];

    /// <summary>Paths of prefixes that were not announced.</summary>
    public List<PathChange> New { get; } = [];

    public List<PathChange> Withdrawn { get; } = [];

    /// <summary>Paths of prefixes that a router gets now.</summary>
    public List<PathChange> SentAgain { get; } = [];

    /// <summary>The prefixes of <see cref="New"/>, where there are limited routers.</summary>
    public HashSet<EngineRouteKey> NewKeys { get; } = [];

    public void AddWithheld(EngineRouteKey key, HeldPath before, HeldPath after, PrefixQuotas quotas)
    {
        // A router that gets the prefix just now must wait until what it loses is withdrawn.
        var first = after with { Attributes = quotas.Both(after.Attributes, before.Attributes) };
        _withheld.Add(new(key, first, IsWithdraw: false));
        _withheld.Add(new(key, before, IsWithdraw: true));
        if (!first.Attributes.Equals(after.Attributes)) SentAgain.Add(new(key, after, IsWithdraw: false));
    }

    public IReadOnlyList<PathChange> ToList(PrefixQuotas? quotas) =>
        quotas?.IsTight(Withdrawn.Count) == true
            ? [.. _withheld, .. Kept, .. Withdrawn, .. New, .. SentAgain]
            : [.. _withheld, .. Kept, .. New, .. Withdrawn, .. SentAgain];
}
