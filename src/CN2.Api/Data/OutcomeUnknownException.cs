namespace CN2.Api.Data;

/// <summary>
/// The connection was lost while a transaction was being committed: it may be in the database or not. Repeating it blindly could make
/// everything twice; only a write that finds its own first attempt (by its Idempotency-Key) is repeated.
/// </summary>
public sealed class OutcomeUnknownException(Exception cause) : Exception("The database went away during a commit.", cause);
