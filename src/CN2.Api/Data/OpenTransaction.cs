namespace CN2.Api.Data;

/// <summary>An open transaction.</summary>
/// <param name="HeldBackBy">Its process or name, and its database, in words.</param>
/// <param name="BehindSeconds">How long it has been open.</param>
public sealed record OpenTransaction(string HeldBackBy, int BehindSeconds);
