namespace CN2.VRouter.Probes;

/// <summary>What one probe saw; <paramref name="Message"/> in words for people.</summary>
public readonly record struct ProbeResult(bool Success, string Message);
