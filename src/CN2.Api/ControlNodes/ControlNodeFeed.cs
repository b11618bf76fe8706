namespace CN2.Api.ControlNodes;

/// <summary>What holds back changes of the database, as this control node sees it.</summary>
/// <param name="HeldBackBy">The transaction that has been open for longest, when that is 30 s or more: its process and its database. Its own changes take effect when it ends; those of others do not wait for it. Null: there is none.</param>
/// <param name="BehindSeconds">How long that transaction has been open.</param>
public sealed record ControlNodeFeed(string? HeldBackBy, double BehindSeconds);
