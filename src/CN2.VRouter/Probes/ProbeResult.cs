namespace CN2.VRouter.Probes;

/// <summary>The result of one probe; <paramref name="Message"/> is for people.</summary>
public readonly record struct ProbeResult(bool Success, string Message);
