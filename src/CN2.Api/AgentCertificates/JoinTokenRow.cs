namespace CN2.Api.AgentCertificates;

/// <summary>A row of <c>join_token</c>, with the name of its VirtualRouter.</summary>
internal sealed record JoinTokenRow(Guid VirtualRouter, string Name, DateTimeOffset ExpiresAt, DateTimeOffset? UsedAt);
