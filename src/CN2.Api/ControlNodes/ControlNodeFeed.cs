namespace CN2.Api.ControlNodes;

/// <summary>How far a control node follows the changes of the database.</summary>
/// <param name="HeldBackBy">What holds it back, in words; null: nothing.</param>
/// <param name="BehindSeconds">The age of the oldest change that it has not read.</param>
public sealed record ControlNodeFeed(string? HeldBackBy, double BehindSeconds);
