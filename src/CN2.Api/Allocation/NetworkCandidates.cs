namespace CN2.Api.Allocation;

/// <summary>The networks that a Service may take an address from, best first. When there are none: a reason and a sentence for the user.</summary>
public sealed record NetworkCandidates(IReadOnlyList<CatalogNetwork> Networks, string? Reason, string? Message);
