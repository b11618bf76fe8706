namespace CN2.Api.Data;

/// <summary>The lease as it stands in the database, whoever holds it. It is another value after each renewal.</summary>
public readonly record struct LeaderLeaseState(long Fence, DateTimeOffset RenewedAt);
