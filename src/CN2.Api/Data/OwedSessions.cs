namespace CN2.Api.Data;

/// <summary>What an earlier run of a control node left to the next one.</summary>
/// <param name="Routers">The routers that it owes a new session, by address.</param>
/// <param name="RowsLost">A fail-over or a restore of the database came since, so rows that it wrote may be missing: these routers, and what it announced.</param>
public sealed record OwedSessions(IReadOnlyCollection<string> Routers, bool RowsLost);
