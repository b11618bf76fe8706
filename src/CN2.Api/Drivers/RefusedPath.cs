namespace CN2.Api.Drivers;

/// <summary>
/// A path that the speaker does not announce; or, with <paramref name="IsWithdrawal"/>, one that was to be withdrawn and that a router may
/// still have: the speaker goes on trying, and the same call again says whether it is gone. <see cref="Reason"/>: a sentence that says what
/// to change, or what it waits for.
/// </summary>
public sealed record RefusedPath(BgpPathKey Key, string Reason, bool IsWithdrawal = false);
