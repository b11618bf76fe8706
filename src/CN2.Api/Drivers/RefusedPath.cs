namespace CN2.Api.Drivers;

/// <summary>A path that the speaker does not announce. <see cref="Reason"/>: a sentence that says what to change.</summary>
public sealed record RefusedPath(BgpPathKey Key, string Reason);
