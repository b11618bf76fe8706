namespace CN2.Api.Drivers.GoBgp;

/// <summary>Changes to send for a call, the paths of the call that cannot be announced, and those that cannot be withdrawn yet.</summary>
internal sealed record WantedChange(IReadOnlyList<PathChange> Changes, IReadOnlyList<RefusedPath> Refused);
