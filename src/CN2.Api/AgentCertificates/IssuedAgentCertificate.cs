namespace CN2.Api.AgentCertificates;

/// <summary>A row of <c>agent_certificate</c>: a certificate that is worth something until its end, unless the row goes.</summary>
internal sealed record IssuedAgentCertificate(Guid VirtualRouter, string Name, byte[] Fingerprint, DateTimeOffset NotAfter);
