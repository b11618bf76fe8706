namespace CN2.Api.Reconcile;

/// <summary>The result of a probe.</summary>
public sealed record EndpointHealthReport(Guid Uid, string VirtualRouter, string Health, string? Message);
